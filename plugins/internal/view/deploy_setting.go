package view

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
)

// InheritedSetting is a setting that a deployment leaves as it was, and what the
// code says of it. A value is as of SettingChange.
type InheritedSetting struct {
	Setting string `json:"setting"`
	Value   any    `json:"value"`
	Code    any    `json:"code"`
}

func (s InheritedSetting) texts() (value, code string) {
	return settingText(s.Setting, s.Value), settingText(s.Setting, s.Code)
}

// settingText is the value of a setting for people.
func settingText(key string, value any) string {
	for _, s := range settings() {
		if s.key == key {
			return s.text(value)
		}
	}
	return fmt.Sprint(value)
}

// Inherited are the settings that an app keeps though its code says something
// else, or nothing, which stands for the service's default. There are none for a
// first deployment, and for one that resets them.
func Inherited(before *fal.AppInfo, app fal.App, reset bool) []InheritedSetting {
	kept := []InheritedSetting{}
	if before == nil || reset {
		return kept
	}
	was, code := NewApp(*before), coded(app)
	for _, s := range settings() {
		if value, wish := s.of(was), s.of(code); !s.deployed && !reflect.DeepEqual(value, wish) {
			kept = append(kept, InheritedSetting{Setting: s.key, Value: value, Code: wish})
		}
	}
	return kept
}

// coded are the settings of an app's code, with the service's defaults for those
// that it does not have.
func coded(a fal.App) App {
	number := func(p *int, otherwise int) int {
		if p == nil {
			return otherwise
		}
		return *p
	}
	length := func(p *time.Duration, otherwise int) int {
		if p == nil {
			return otherwise
		}
		return seconds(*p)
	}
	machines := slices.Clone(a.MachineTypes)
	if len(machines) == 0 {
		machines = []string{"XS"}
	}
	return App{
		KeepAlive:             length(a.KeepAlive, 10),
		MinConcurrency:        number(a.MinConcurrency, 0),
		MaxConcurrency:        number(a.MaxConcurrency, 2),
		MaxMultiplexing:       number(a.MaxMultiplexing, 1),
		ConcurrencyBuffer:     number(a.ConcurrencyBuffer, 0),
		ConcurrencyBufferPerc: number(a.ConcurrencyBufferPerc, 0),
		ScalingDelay:          length(a.ScalingDelay, 0),
		RequestTimeout:        length(a.RequestTimeout, 3600),
		StartupTimeout:        length(a.StartupTimeout, 600),
		MachineTypes:          machines,
		ValidRegions:          list(a.Regions),
	}
}
