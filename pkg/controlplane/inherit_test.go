package controlplane

import (
	"slices"
	"strings"
	"testing"
)

func TestInherited(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		system, environ, want, withheld string
	}{
		{"linux", "PATH=/bin HOME=/h LC_ALL=C TZ= TERM=dumb PS1=$ SSH_AUTH_SOCK=/s", "PATH=/bin HOME=/h LC_ALL=C TZ=", ""},
		{"linux", "GITHUB_TOKEN=x AWS_SECRET_ACCESS_KEY=x FAL_KEY=x HF_TOKEN=x NVIDIA_API_KEY=x PIP_INDEX_URL=x CUDA_HOME=/c", "CUDA_HOME=/c", ""},
		{"linux", "Path=/bin home=/h SystemRoot=x APPDATA=x PATHS=x LD_PRELOAD=x noequals", "", ""},
		{"darwin", "DYLD_LIBRARY_PATH=/l DYLD_INSERT_LIBRARIES=x TMPDIR=/t", "DYLD_LIBRARY_PATH=/l TMPDIR=/t", ""},
		{"linux", "http_proxy=http://p:1 HTTPS_PROXY=http://u:p@p:1 all_proxy=u@p NO_PROXY=a,b", "http_proxy=http://p:1 NO_PROXY=a,b", "HTTPS_PROXY all_proxy"},
		{"windows", `Path=C:\ SystemRoot=C:\W windir=C:\W ProgramFiles(x86)=C:\P Processor_Level=6 temp=C:\T lc_all=C`,
			`Path=C:\ SystemRoot=C:\W windir=C:\W ProgramFiles(x86)=C:\P Processor_Level=6 temp=C:\T lc_all=C`, ""},
		{"windows", `=C:=C:\ Github_Token=x fal_key=x Http_Proxy=http://u:p@p`, "", "Http_Proxy"},
	} {
		env, withheld := inherited(strings.Fields(c.environ), c.system)
		if !slices.Equal(env, strings.Fields(c.want)) || !slices.Equal(withheld, strings.Fields(c.withheld)) {
			t.Errorf("%s on %s: %q and %q withheld", c.environ, c.system, env, withheld)
		}
	}
}

// What is withheld is missed unless the app has its own.
func TestMissed(t *testing.T) {
	t.Parallel()
	if got := missed([]string{"A_PROXY", "B_PROXY"}, []string{"B_PROXY=x", "A_PROXYS=x"}); !slices.Equal(got, []string{"A_PROXY"}) {
		t.Errorf("%q", got)
	}
}
