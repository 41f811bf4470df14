package project

import "context"

// imageOnlyPython is what an app that is an image's own command sends: no
// Python of ours has to do with it.
const imageOnlyPython = "3.11"

func (l *Loaded) load(ctx context.Context) error {
	if l.Kind == PythonFile {
		return l.loadPython(ctx)
	}
	s := l.settings
	l.App = s.app
	l.App.Name = l.Name
	if l.Kind == EntryPoint {
		l.App.Entrypoint = *s.entryPoint
	}
	python, err := l.pythonVersion(ctx)
	if err != nil {
		return err
	}
	l.App.Build = s.build(python, l.Kind == ImageOnly)
	tree, err := s.files()
	if err != nil {
		return err
	}
	l.take(tree)
	if l.LeftOut = s.leftOut(tree); len(l.LeftOut) > 0 {
		l.Notices = append(l.Notices, leftOutNotice(l.LeftOut))
	}
	sources, cleanups, err := localSources(ctx, l.options, s.requirementsDir, s.requirements)
	l.cleanups = append(l.cleanups, cleanups...)
	if err != nil {
		return err
	}
	l.App.Sources = sources
	return nil
}

// take gives the app its files, nil for none.
func (l *Loaded) take(tree *chosen) {
	if tree == nil {
		return
	}
	l.App.Files = tree
	l.cleanups = append(l.cleanups, tree.Close)
	l.Notices = append(l.Notices, tree.notices()...)
}

// pythonVersion is the one that the environment is asked for, as in "3.11".
func (l *Loaded) pythonVersion(ctx context.Context) (string, error) {
	switch {
	case l.settings.pythonVersion != nil:
		return *l.settings.pythonVersion, nil
	case l.Kind == ImageOnly:
		return imageOnlyPython, nil
	}
	return interpreterVersion(ctx, l.options, l.Root)
}
