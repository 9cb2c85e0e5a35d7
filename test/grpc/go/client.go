package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"tenon.test/peer/gen"
)

// outcome is how one call went.
type outcome struct {
	Case     string            `json:"case"`
	Code     string            `json:"code"`
	Message  string            `json:"message,omitempty"`
	Details  []json.RawMessage `json:"details,omitempty"`
	Messages []json.RawMessage `json:"messages,omitempty"`
	Headers  metadata.MD       `json:"headers,omitempty"`
	Trailers metadata.MD       `json:"trailers,omitempty"`
}

type calls struct{ client gen.PeerServiceClient }

func callAll(address string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	made := calls{gen.NewPeerServiceClient(connection)}
	for _, one := range []struct {
		name string
		make func(context.Context, *outcome) error
	}{
		{"say", made.say}, {"least", made.named("Ada")}, {"compressed", made.named("Ada", grpc.UseCompressor(gzip.Name))},
		{"missing", made.named("nobody")}, {"invalid", made.named("")},
		{"count", made.count(3)}, {"fails", made.count(20)}, {"sum", made.sum}, {"chat", made.chat},
		{"deadline", made.deadline}, {"deadlineSeen", made.lastEnd},
		{"cancel", made.cancel}, {"cancelSeen", made.lastEnd},
	} {
		if err := printOutcome(one.name, one.make); err != nil {
			return err
		}
	}
	return nil
}

func printOutcome(name string, call func(context.Context, *outcome) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	made := outcome{Case: name}
	told := status.Convert(call(ctx, &made))
	made.Code, made.Message = told.Code().String(), told.Message()
	for _, detail := range told.Proto().GetDetails() {
		text, err := protojson.Marshal(detail)
		if err != nil {
			return err
		}
		made.Details = append(made.Details, text)
	}
	line, err := json.Marshal(made)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	return nil
}

func (o *outcome) add(message proto.Message) error {
	text, err := protojson.Marshal(message)
	o.Messages = append(o.Messages, text)
	return err
}

func (o *outcome) unary(c calls, ctx context.Context, in *gen.SayRequest, options ...grpc.CallOption) error {
	out, err := c.client.Say(ctx, in, append(options, grpc.Header(&o.Headers), grpc.Trailer(&o.Trailers))...)
	if err != nil {
		return err
	}
	return o.add(out)
}

func (c calls) say(ctx context.Context, o *outcome) error {
	noted := metadata.AppendToOutgoingContext(ctx, "x-note", "hi", "x-raw-bin", "\xff\x00")
	return o.unary(c, noted, &gen.SayRequest{
		Name: proto.String("Ada"), Mood: gen.SayRequest_MOOD_LOUD.Enum(), Id: proto.Int64(9007199254740993),
		Data: []byte{0, 1, 255}, Ratio: proto.Float64(0.5), IsOld: proto.Bool(false), Ranks: []int32{1, -2, 0},
		Labels: map[string]string{"a": "b", "": ""}, Home: &gen.SayRequest_Home{City: proto.String("")},
	})
}

func (c calls) named(name string, options ...grpc.CallOption) func(context.Context, *outcome) error {
	return func(ctx context.Context, o *outcome) error {
		return o.unary(c, ctx, &gen.SayRequest{Name: &name}, options...)
	}
}

func (c calls) count(upTo int64) func(context.Context, *outcome) error {
	return func(ctx context.Context, o *outcome) error {
		stream, err := c.client.Count(ctx, &gen.CountRequest{UpTo: &upTo})
		for err == nil {
			var item *gen.CountResponse
			if item, err = stream.Recv(); err == nil {
				err = o.add(item)
			}
		}
		return unlessEnd(err)
	}
}

func (c calls) sum(ctx context.Context, o *outcome) error {
	stream, err := c.client.Sum(ctx)
	if err != nil {
		return err
	}
	for _, value := range []int64{1, 2, 39} {
		if err := stream.Send(&gen.SumRequest{Value: &value}); err != nil {
			return err
		}
	}
	out, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	return o.add(out)
}

// Each line is heard before the next is said.
func (c calls) chat(ctx context.Context, o *outcome) error {
	stream, err := c.client.Chat(ctx)
	if err != nil {
		return err
	}
	for _, text := range []string{"a", "ü"} {
		if err := exchange(stream, text, o); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	_, err = stream.Recv()
	return unlessEnd(err)
}

func exchange(stream grpc.BidiStreamingClient[gen.ChatRequest, gen.ChatResponse], text string, o *outcome) error {
	if err := stream.Send(&gen.ChatRequest{Text: &text}); err != nil {
		return err
	}
	line, err := stream.Recv()
	if err != nil {
		return err
	}
	return o.add(line)
}

func (c calls) deadline(ctx context.Context, _ *outcome) error {
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, err := c.client.Wait(short, &gen.WaitRequest{})
	return err
}

// Cancels once the handler has begun, which its answer shows.
func (c calls) cancel(ctx context.Context, o *outcome) error {
	left, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.client.Chat(left)
	if err != nil {
		return err
	}
	if err := exchange(stream, "a", o); err != nil {
		return err
	}
	cancel()
	_, err = stream.Recv()
	return err
}

// Asks until the handler has seen how its call ended.
func (c calls) lastEnd(ctx context.Context, o *outcome) error {
	for {
		out, err := c.client.LastEnd(ctx, &gen.LastEndRequest{})
		if err != nil {
			return err
		}
		if out.GetCode() != "" && out.GetCode() != "none" {
			return o.add(out)
		}
	}
}

func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
