package fal

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// Decoding by hand: generated code would make a whole list of thousands of apps
// before the first one is seen, with three times as many allocations. Numbers
// are those of controller.proto.
const (
	listAliasesResultAliases = 1
	resultAliasInfo          = 1 // of UpdateApplicationResult and of SetAliasResult

	aliasName                  = 1
	aliasRevision              = 2
	aliasAuthMode              = 3
	aliasMaxConcurrency        = 4
	aliasMaxMultiplexing       = 5
	aliasKeepAlive             = 6
	aliasActiveRunners         = 7
	aliasMinConcurrency        = 8
	aliasMachineTypes          = 9
	aliasRequestTimeout        = 10
	aliasStartupTimeout        = 11
	aliasValidRegions          = 12
	aliasConcurrencyBuffer     = 13
	aliasConcurrencyBufferPerc = 14
	aliasScalingDelaySeconds   = 15
	aliasEnvironmentName       = 16
	aliasIsRolling             = 17
)

// An appDecoder makes apps of the elements of a list.
type appDecoder struct{ sharedTexts }

// decode reads an AliasInfo. Fields that it does not know are passed over.
func (d *appDecoder) decode(b []byte) (AppInfo, error) {
	var a AppInfo
	err := eachField(b, func(f field) error {
		switch f.kind {
		case protowire.BytesType:
			d.text(&a, f)
		case protowire.VarintType:
			a.number(f.number, f.number64)
		}
		return nil
	})
	return a, err
}

func (d *appDecoder) text(a *AppInfo, f field) {
	switch f.number {
	case aliasName:
		a.Alias = text(f.bytes)
	case aliasRevision:
		a.Revision = text(f.bytes)
	case aliasMachineTypes:
		a.MachineTypes = append(a.MachineTypes, d.share(f.bytes))
	case aliasValidRegions:
		a.Regions = append(a.Regions, d.share(f.bytes))
	case aliasEnvironmentName:
		a.Environment = d.share(f.bytes)
	}
}

func (a *AppInfo) number(field protowire.Number, varint uint64) {
	n := int32(varint)
	switch field {
	case aliasAuthMode:
		a.AuthMode = AuthMode(n)
	case aliasMaxConcurrency:
		a.MaxConcurrency = int(n)
	case aliasMaxMultiplexing:
		a.MaxMultiplexing = int(n)
	case aliasKeepAlive:
		a.KeepAlive = wholeSeconds(n)
	case aliasActiveRunners:
		a.ActiveRunners = int(n)
	case aliasMinConcurrency:
		a.MinConcurrency = int(n)
	case aliasRequestTimeout:
		a.RequestTimeout = wholeSeconds(n)
	case aliasStartupTimeout:
		a.StartupTimeout = wholeSeconds(n)
	case aliasConcurrencyBuffer:
		a.ConcurrencyBuffer = int(n)
	case aliasConcurrencyBufferPerc:
		a.ConcurrencyBufferPerc = int(n)
	case aliasScalingDelaySeconds:
		a.ScalingDelay = wholeSeconds(n)
	case aliasIsRolling:
		a.Rolling = varint != 0
	}
}
