package project

import (
	"regexp"
	"strings"
)

// normalVersion is a version in the one form that stands for all its
// spellings, which file names and metadata have: "v1.0-beta.2" is "1.0b2". It
// is empty for what is no version.
func normalVersion(version string) string {
	parts := versionParts().FindStringSubmatch(strings.ToLower(strings.TrimSpace(version)))
	if parts == nil {
		return ""
	}
	part := func(name string) string { return parts[versionParts().SubexpIndex(name)] }
	var b strings.Builder
	if epoch := number10(part("epoch")); part("epoch") != "" && epoch != "0" {
		b.WriteString(epoch + "!")
	}
	numbers := strings.Split(part("release"), ".")
	for i, n := range numbers {
		numbers[i] = number10(n)
	}
	b.WriteString(strings.Join(numbers, "."))
	switch kind := part("pre"); kind {
	case "":
	case "a", "alpha":
		b.WriteString("a" + number10(part("pren")))
	case "b", "beta":
		b.WriteString("b" + number10(part("pren")))
	default:
		b.WriteString("rc" + number10(part("pren")))
	}
	switch {
	case part("post") != "":
		b.WriteString(".post" + number10(part("postn")))
	case part("bare") != "":
		b.WriteString(".post" + number10(part("bare")))
	}
	if part("dev") != "" {
		b.WriteString(".dev" + number10(part("devn")))
	}
	if local := part("local"); local != "" {
		labels := strings.FieldsFunc(local, func(r rune) bool { return strings.ContainsRune("-_.", r) })
		for i, label := range labels {
			if strings.Trim(label, "0123456789") == "" {
				labels[i] = number10(label)
			}
		}
		b.WriteString("+" + strings.Join(labels, "."))
	}
	return b.String()
}

// number10 is a number without leading zeros; none is 0.
func number10(digits string) string {
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0"
	}
	return digits
}

func versionParts() *regexp.Regexp {
	return regexp.MustCompile(`^v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)` +
		`(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pren>[0-9]+)?)?` +
		`(?:-(?P<bare>[0-9]+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<postn>[0-9]+)?)?` +
		`(?:[-_.]?(?P<dev>dev)[-_.]?(?P<devn>[0-9]+)?)?` +
		`(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)
}
