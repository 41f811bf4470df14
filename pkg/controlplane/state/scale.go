package state

import "context"

// ScaleApp changes how an app is run; runners are started and ended
// accordingly. Machine types, max_multiplexing and startup_timeout hold until
// the app is pointed at a revision again, and for runners started from now on.
func (s *State) ScaleApp(ctx context.Context, caller Caller, environment, alias string, change SettingsChange) (AppInfo, error) {
	defer s.changing(alias)()
	before, err := s.App(caller, environment, alias)
	if err != nil {
		return AppInfo{}, err
	}
	app := *before
	if app.Settings, err = change.apply(before.Settings); err != nil {
		return AppInfo{}, err
	}
	if err := s.putApp(ctx, &app, false); err != nil {
		return AppInfo{}, err
	}
	return s.info(&app), nil
}
