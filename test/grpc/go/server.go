package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"tenon.test/peer/gen"
)

type peerServer struct {
	gen.UnimplementedPeerServiceServer
	lastEnd atomic.Value
}

func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	gen.RegisterPeerServiceServer(server, &peerServer{})
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

func (s *peerServer) Say(ctx context.Context, in *gen.SayRequest) (*gen.SayResponse, error) {
	given, _ := metadata.FromIncomingContext(ctx)
	_, hasDeadline := ctx.Deadline()
	header := metadata.Pairs("x-said", in.GetName(), "x-has-deadline", fmt.Sprint(hasDeadline))
	for _, name := range []string{"x-note", "x-raw-bin"} {
		header.Append(name, given.Get(name)...)
	}
	if err := grpc.SetHeader(ctx, header); err != nil {
		return nil, err
	}
	if err := grpc.SetTrailer(ctx, metadata.Pairs("x-after", in.GetName())); err != nil {
		return nil, err
	}
	switch in.GetName() {
	case "nobody":
		return nil, notFound(in.GetName())
	case "wrong":
		return nil, withDetails(codes.InvalidArgument, "wrong name", &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "/name", Description: "must be right"}},
		})
	}
	return &gen.SayResponse{
		Text: proto.String("hello " + in.GetName()), Mood: toMood(in.Mood), Id: in.Id, Data: in.Data, Ratio: in.Ratio,
		IsOld: in.IsOld, Ranks: in.Ranks, Labels: in.Labels, Home: toHome(in.Home),
	}, nil
}

func toMood(mood *gen.SayRequest_Mood) *gen.SayResponse_Mood {
	if mood == nil {
		return nil
	}
	return gen.SayResponse_Mood(*mood).Enum()
}

func toHome(home *gen.SayRequest_Home) *gen.SayResponse_Home {
	if home == nil {
		return nil
	}
	return &gen.SayResponse_Home{City: home.City}
}

func notFound(name string) error {
	own, err := structpb.NewStruct(map[string]any{"name": name, "retryable": false})
	if err != nil {
		return err
	}
	return withDetails(codes.NotFound, "nobody is not here",
		&errdetails.ErrorInfo{Reason: "no_such_name", Domain: "go"},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		&errdetails.RequestInfo{RequestId: "r-1"},
		own)
}

func withDetails(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	told, err := status.New(code, message).WithDetails(details...)
	if err != nil {
		return err
	}
	return told.Err()
}

func (s *peerServer) Count(in *gen.CountRequest, out grpc.ServerStreamingServer[gen.CountResponse]) error {
	for value := int64(1); in.UpTo == nil || value <= in.GetUpTo(); value++ {
		if value == 13 {
			return withDetails(codes.OutOfRange, "13 is unlucky", &errdetails.ErrorInfo{Reason: "unlucky", Domain: "go"})
		}
		if err := out.Send(&gen.CountResponse{Value: &value}); err != nil {
			return err
		}
	}
	return nil
}

func (s *peerServer) Sum(in grpc.ClientStreamingServer[gen.SumRequest, gen.SumResponse]) error {
	var total, count int64
	for {
		item, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return in.SendAndClose(&gen.SumResponse{Total: &total, ItemCount: &count})
		}
		if err != nil {
			return err
		}
		total += item.GetValue()
		count++
	}
}

func (s *peerServer) Chat(lines grpc.BidiStreamingServer[gen.ChatRequest, gen.ChatResponse]) error {
	for {
		line, err := lines.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			s.lastEnd.Store(endOf(lines.Context()))
			return err
		}
		if err := lines.Send(&gen.ChatResponse{Text: proto.String("heard " + line.GetText())}); err != nil {
			return err
		}
	}
}

func (s *peerServer) Wait(ctx context.Context, _ *gen.WaitRequest) (*gen.WaitResponse, error) {
	<-ctx.Done()
	s.lastEnd.Store(endOf(ctx))
	return nil, ctx.Err()
}

func (s *peerServer) LastEnd(context.Context, *gen.LastEndRequest) (*gen.LastEndResponse, error) {
	code, _ := s.lastEnd.Swap("none").(string)
	return &gen.LastEndResponse{Code: &code}, nil
}

func endOf(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "deadline_exceeded"
	}
	return "cancelled"
}
