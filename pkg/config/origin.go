package config

// OriginKind is the sort of place that a value came from.
type OriginKind int

// The sorts of places.
const (
	OriginDefault  OriginKind = iota // built in
	OriginFlag                       // given explicitly
	OriginVariable                   // an environment variable
	OriginProfile                    // a profile of the configuration file
	OriginFile                       // a file, outside any profile
)

// Origin says where a value came from.
type Origin struct {
	Kind OriginKind
	Name string // the flag, the variable or the profile
	Path string // the file of a profile or of OriginFile, with ~ for the home folder
}

// String returns `--profile`, `FAL_KEY`, `profile dev (~/.fal/config.toml)`,
// `~/.fal/config.toml` or `default`.
func (o Origin) String() string {
	switch o.Kind {
	case OriginFlag, OriginVariable:
		return o.Name
	case OriginProfile:
		return "profile " + printable(o.Name) + " (" + o.Path + ")"
	case OriginFile:
		return o.Path
	}
	return "default"
}

// Setting is a value and where it came from.
type Setting struct {
	Value  string
	Origin Origin
}

func fromFlag(name string) Origin     { return Origin{Kind: OriginFlag, Name: name} }
func fromVariable(name string) Origin { return Origin{Kind: OriginVariable, Name: name} }
