package interop

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

const stopRunner = "/controller.IsolateController/StopRunner"

func recorder(t *testing.T) (*Recorder, *grpc.ClientConn) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	r, err := StartRecorder(nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(r.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, conn
}

func message(t *testing.T, method, json string) (request, reply proto.Message) {
	t.Helper()
	descriptor, err := methodDescriptor(method)
	if err != nil {
		t.Fatal(err)
	}
	message := dynamicpb.NewMessage(descriptor.Input())
	if err := protojson.Unmarshal([]byte(json), message); err != nil {
		t.Fatal(err)
	}
	return message, dynamicpb.NewMessage(descriptor.Output())
}

func TestRecorder(t *testing.T) {
	r, conn := recorder(t)
	ctx := metadata.AppendToOutgoingContext(t.Context(),
		"auth-key-id", "id", "auth-key", "secret", "x-request-id", "not compared")

	request, reply := message(t, stopRunner, `{"runner_id": "a", "replace_first": true}`)
	if err := conn.Invoke(ctx, stopRunner, request, reply); err != nil {
		t.Fatal(err)
	}
	calls, err := r.Take()
	if err != nil {
		t.Fatal(err)
	}
	want := []Call{{
		Transport: "grpc",
		Method:    "StopRunner",
		Metadata:  map[string]string{"auth-key-id": "id", "auth-key": "secret"},
		Request:   map[string]any{"runner_id": "a", "replace_first": true},
	}}
	if !reflect.DeepEqual(calls, want) {
		t.Errorf("recorded %v, want %v", calls, want)
	}
	if calls, err := r.Take(); len(calls) > 0 || err != nil {
		t.Errorf("taken twice: %v, %v", calls, err)
	}
}

func TestRecorderReportsWhatItCannotRead(t *testing.T) {
	r, conn := recorder(t)
	for _, test := range []struct {
		name, method, want string
		request            func(proto.Message)
		code               codes.Code
	}{
		{name: "unknown method", method: "/controller.IsolateController/MoveRunner", want: "MoveRunner", code: codes.Unimplemented},
		{name: "streaming method", method: "/controller.IsolateController/ShellRunner", want: "no method of one request", code: codes.Unimplemented},
		{name: "unknown field", method: stopRunner, want: "StopRunner has fields that our StopRunnerRequest lacks: 98 06 01",
			request: func(m proto.Message) {
				m.ProtoReflect().SetUnknown(protoreflect.RawFields{0x98, 0x06, 0x01})
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			request, reply := message(t, stopRunner, `{"runner_id": "a"}`)
			if test.request != nil {
				test.request(request)
			}
			err := conn.Invoke(context.WithoutCancel(t.Context()), test.method, request, reply)
			if status.Code(err) != test.code {
				t.Errorf("answered %v, want %v", err, test.code)
			}
			if _, err := r.Take(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("reported %v, want %q", err, test.want)
			}
		})
	}
}
