/** A certificate for `service.test` that is its own authority, and is valid for a hundred years. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBnjCCAUSgAwIBAgIUaKZHuSzjIHfD9G1Unz6sWC+D7tMwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMc2VydmljZS50ZXN0MCAXDTI2MTEyMTEzMDc0NloYDzIxMjYx
MDI4MTMwNzQ2WjAXMRUwEwYDVQQDDAxzZXJ2aWNlLnRlc3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAASfRk+5ntNBYbHHRSIripQeNATg0Mlmqbi+chXCArY6u4mw
9X2CwJLe2cpc4A95SGblB/bxXGFj7MTrCLOzNhKIo2wwajAdBgNVHQ4EFgQUzqAn
YYt6tuJFTfoDM5+xfephb+4wHwYDVR0jBBgwFoAUzqAnYYt6tuJFTfoDM5+xfeph
b+4wFwYDVR0RBBAwDoIMc2VydmljZS50ZXN0MA8GA1UdEwEB/wQFMAMBAf8wCgYI
KoZIzj0EAwIDSAAwRQIhAMNwa7170Zs7nh0iGZqbVbHNW5zxMCQ0qgiTiS6t0X17
AiAwpHEDEb5NEQaztPjsqsTDPgCEDA+Yf57/3RO1qKJDaA==
-----END CERTIFICATE-----
`

/** Protects nothing: it is known to everybody. */
export const privateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcSjoLXlf/G8cyFJ+
52az/8zvNh7rCXX68pGrxOXfPkihRANCAASfRk+5ntNBYbHHRSIripQeNATg0Mlm
qbi+chXCArY6u4mw9X2CwJLe2cpc4A95SGblB/bxXGFj7MTrCLOzNhKI
-----END PRIVATE KEY-----
`
