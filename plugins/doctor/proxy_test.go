package doctor

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/networktest"
)

func TestProxySettings(t *testing.T) {
	file := networktest.NewAuthority(t, "Example Corp").File()
	empty := t.TempDir()
	for _, tt := range []struct {
		env                 map[string]string
		status, found, hint string
	}{
		{nil, "ok", "none is set", ""},
		{map[string]string{"HTTPS_PROXY": "http://user:pa55@proxy.invalid:3128"}, "ok", "api.fal.invalid is reached through proxy.invalid:3128\nrest.fal.invalid is reached through proxy.invalid:3128", ""},
		{map[string]string{"https_proxy": "proxy.invalid", "no_proxy": "rest.fal.invalid"}, "ok", "api.fal.invalid is reached through proxy.invalid:80\nno_proxy is rest.fal.invalid", ""},
		{map[string]string{"HTTPS_PROXY": "socks5://proxy.invalid"}, "ok", "through proxy.invalid:1080", ""},
		{map[string]string{"HTTPS_PROXY": "ftp://user:pa55@proxy.invalid"}, "failed", "HTTPS_PROXY is no address of a proxy", "unset HTTPS_PROXY"},
		{map[string]string{"HTTP_PROXY": "http://user:pa55@proxy.invalid"}, "ok", "HTTP_PROXY is set, and these hosts are reached without it", ""},
		{map[string]string{"https_proxy": "http://user:pa55@proxy.invalid", "NO_PROXY": "*"}, "ok", "https_proxy is set, and these hosts are reached without it", ""},
		{map[string]string{"NO_PROXY": "a", "no_proxy": "b"}, "warning", "NO_PROXY and no_proxy differ: the first is used", "unset no_proxy"},
		{map[string]string{"ALL_PROXY": "http://proxy.invalid"}, "warning", "ALL_PROXY is not used", `export HTTPS_PROXY="$ALL_PROXY"`},
		{map[string]string{"ALL_PROXY": "http://proxy.invalid", "HTTPS_PROXY": "http://proxy.invalid"}, "ok", "through proxy.invalid:80", ""},
		{map[string]string{"SSL_CERT_FILE": file}, "ok", "SSL_CERT_FILE is " + file, ""},
		{map[string]string{"SSL_CERT_FILE": file + ".missing"}, "failed", "SSL_CERT_FILE: ", "unset SSL_CERT_FILE"},
		{map[string]string{"SSL_CERT_DIR": empty}, "failed", "SSL_CERT_DIR: no certificate in " + empty, "unset SSL_CERT_DIR"},
	} {
		s := newScene(t)
		s.env["FAL_GRPC_HOST"], s.env["FAL_REST_HOST"] = "api.fal.invalid", ""
		for name, value := range tt.env {
			s.env[name] = value
		}
		s.wants(s.patient().checkProxy(t.Context()), tt.status, tt.found, tt.hint)
	}
}

// A setting of the network that cannot be read is told once.
func TestOneSettingIsToldOnce(t *testing.T) {
	for _, env := range []map[string]string{{"HTTPS_PROXY": "ftp://proxy.invalid"}, {"SSL_CERT_FILE": "/nowhere.pem"}} {
		s := newScene(t)
		s.deps.resolver = fakeResolver{"api.fal.invalid": "192.0.2.1", "rest.fal.invalid": "192.0.2.1"}
		s.deps.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.server.Host())
		}
		s.env["FAL_GRPC_HOST"], s.env["FAL_REST_HOST"] = "api.fal.invalid", ""
		for name, value := range env {
			s.env[name] = value
		}
		d, rows := s.diagnose()
		if rows["proxy"].Status != "failed" || !strings.HasPrefix(text(rows["proxy"].Hint), "unset ") || rows["grpc"].Found != "not tried, because of proxy" {
			t.Errorf("%v: %+v", env, rows)
		}
		for _, c := range d.Checks {
			if c.Status == "failed" && c.Check != "proxy" {
				t.Errorf("%v: %+v", env, c)
			}
		}
	}
	s := newScene(t)
	s.env["SSL_CERT_FILE"] = "/nowhere.pem"
	if _, rows := s.diagnose(); rows["grpc"].Status != "skipped" || rows["rest"].Status != "skipped" {
		t.Errorf("%+v", rows)
	}
}
