package runtime

import (
	"context"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
)

const listener = `import os, socket, sys, time
if sys.argv[1] == "away" and os.fork():
    time.sleep(3600)
if sys.argv[1] == "away":
    os.setsid()
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1], flush=True)
time.sleep(3600)
`

func TestListens(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 is on PATH")
	}
	rt := newRuntime(t)
	stranger, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for _, where := range []string{"itself", "away"} {
		var out transcript
		p, err := rt.Start(context.Background(), Spec{ID: where, Argv: []string{"python3", "-c", listener, where}, Env: os.Environ(), Output: out.add})
		if err != nil {
			t.Fatal(err)
		}
		port := 0
		eventually(t, "the process listens", func() bool {
			for _, text := range out.texts(Stdout) {
				port, err = strconv.Atoi(text)
			}
			return port != 0 && err == nil
		})
		for port, want := range map[int]bool{port: true, stranger.Addr().(*net.TCPAddr).Port: false, 1: false} {
			if got, err := p.Listens(port); got != want || err != nil {
				t.Errorf("%s: whether it listens on port %d: %t, %v", where, port, got, err)
			}
		}
		if got, err := p.Ports(); !slices.Equal(got, []int{port}) || err != nil {
			t.Errorf("%s: it listens on %d, not on %v: %v", where, port, got, err)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
	}
}

func TestListening(t *testing.T) {
	table := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0\n" +
		"   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1\n" +
		"   2: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0 100 0 0 10 0\n" +
		"   3: short\n"
	if got := listening([]byte(table)); !maps.Equal(got, map[string]int{"4711": 8080, "4713": 8081}) {
		t.Errorf("%v", got)
	}
}
