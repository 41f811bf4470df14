package local

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Profile keys that use writes. The second is read by these programs only: the
// official client does not start with a host that is not the service's.
const (
	keyOfProfile  = "key"
	hostOfProfile = "local_host"
)

// UsedProfile is what use prints as JSON.
type UsedProfile struct {
	Profile   string `json:"profile"`
	LocalHost string `json:"local_host"`
	Default   bool   `json:"default"`
	Config    string `json:"config"` // the file
}

type useOptions struct {
	folder  folderOptions
	profile string
	choose  bool
	force   bool
}

func newUse() *cli.Command {
	o := &useOptions{profile: "local"}
	return &cli.Command{
		Name:    "use",
		Summary: "Save the control plane as a profile",
		Description: "Writes its key and its address into a profile of the configuration file. The profile stays good over stop and start, as long as the control plane has the same port, and TLS as before or not; `fal local reset` makes another key. With TLS it takes SSL_CERT_FILE as well, which a hint says. " +
			"The official client does not read the address of such a profile: for it there is `fal local env`.",
		Output: cli.Text,
		Single: true,
		JSON:   UsedProfile{},
		Flags: []*cli.Flag{
			{Name: "name", Placeholder: "NAME", Value: cli.NonEmpty(&o.profile), Complete: complete.Profiles(), Usage: "name of the profile; local without it"},
			{Name: "default", Value: cli.Bool(&o.choose), Usage: "make it the default profile"},
			{Name: "force", Value: cli.Bool(&o.force), Usage: "also change a profile that is not of a local control plane"},
			o.folder.flag(),
		},
		Examples: []cli.Example{
			{Comment: "then: fal --profile local runners list", Line: "fal local use"},
			{Comment: "for a second control plane", Line: "fal local use --name other --data-dir ~/other"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runUse(ctx, inv, o) },
	}
}

func runUse(ctx context.Context, inv *cli.Invocation, o *useOptions) error {
	dir, found, key, err := o.folder.running(ctx, inv)
	if err != nil {
		return err
	}
	path := config.Locate(config.Inputs{Getenv: inv.Getenv}).Config.Value
	if path == "" {
		return cli.Usagef("no home folder is known").WithHint("set HOME or FAL_CONFIG_PATH")
	}
	host := found.Address
	if found.TLS {
		host = "https://" + host
	}
	var isDefault bool
	err = config.Update(path, func(f *config.File) error {
		if err := o.permit(f); err != nil {
			return err
		}
		if err := f.Set(o.profile, keyOfProfile, key.Key()); err != nil {
			return err
		}
		if err := f.Set(o.profile, hostOfProfile, host); err != nil {
			return err
		}
		if o.choose {
			if err := f.SetDefaultProfile(o.profile); err != nil {
				return err
			}
		}
		isDefault = f.DefaultProfile() == o.profile
		return nil
	})
	if err != nil {
		return err
	}
	used := UsedProfile{Profile: o.profile, LocalHost: host, Default: isDefault, Config: path}
	err = output.Object(ctx, inv.Printer, used, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "saved %s as profile %s\n", host, iostreams.SanitizeLine(o.profile))
		return err
	})
	if err != nil || inv.Format != output.Pretty && inv.Format != output.Wide {
		return err
	}
	o.advise(inv, dir, used, found.TLS)
	return nil
}

// permit keeps a profile that holds a key of the service from losing it.
func (o *useOptions) permit(f *config.File) error {
	if o.force || !slices.ContainsFunc(f.Profiles(), func(p config.Profile) bool { return p.Name == o.profile }) {
		return nil
	}
	if _, ours := f.Get(o.profile, hostOfProfile); ours {
		return nil
	}
	return (&cli.Error{Code: string(config.ProfileExists),
		Message: fmt.Sprintf("profile %s exists and is not of a local control plane: its key would be lost", iostreams.SanitizeLine(o.profile))}).
		WithHint("choose another one with --name, or overwrite it with --force")
}

func (o *useOptions) advise(inv *cli.Invocation, dir dataDir, used UsedProfile, tls bool) {
	if tls {
		hint(inv, "a profile cannot say whom to trust: `export SSL_CERT_FILE="+cli.Quote(dir.bundle())+"` does")
	}
	if used.Default {
		hint(inv, "the official client does not read local_host: with this default profile it would send the key to the service")
		hint(inv, "`fal runners list` tries it")
		return
	}
	name := cli.Quote(used.Profile)
	hint(inv, "`fal --profile "+name+" runners list` uses it for one command")
	hint(inv, "`export FAL_PROFILE="+name+"` uses it in this shell")
}
