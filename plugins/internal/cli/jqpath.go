package cli

import (
	"reflect"
	"strings"
)

// jqPaths completes the path at the end of a jq expression with the keys of what
// the expression has there: `.runners[].st`, and behind a pipe or inside a
// function what that gives. Where that is not known it offers nothing.
func jqPaths(root *jqShape, expression string) []Candidate {
	r := jqReader{text: expression}
	r.pipe(root, 0)
	if !r.reached || r.shape == nil {
		return nil
	}
	c := jqCollector{before: expression[:r.cursor]}
	c.collect(r.shape, "", 0)
	return c.found
}

// jqReader goes through an expression up to its end, where the cursor is, and
// knows at each place what the input is; nil means that it does not. It stops
// at what it does not understand.
type jqReader struct {
	text  string
	at    int
	depth int
	lost  bool // nothing behind this place is understood

	reached bool     // the end is inside of a path, or where one may begin
	cursor  int      // where that path's last step begins
	shape   *jqShape // what the step is of
}

// deepestNesting bounds the parentheses of an expression.
const deepestNesting = 100

func (r *jqReader) blanks() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

// peek is the next byte behind blanks; 0 at the end.
func (r *jqReader) peek() byte {
	r.blanks()
	return r.here()
}

func (r *jqReader) here() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *jqReader) take(token string) bool {
	r.blanks()
	if strings.HasPrefix(r.text[r.at:], token) {
		r.at += len(token)
		return true
	}
	return false
}

// begins notes that a path may begin, or go on, at a place.
func (r *jqReader) begins(at int, of *jqShape) { r.reached, r.cursor, r.shape = true, at, of }

func (r *jqReader) fail() *jqShape {
	r.lost, r.reached = true, false
	return nil
}

// pipe reads up to a closing bracket, a semicolon or the end; with an end, up to
// that byte too.
func (r *jqReader) pipe(in *jqShape, end byte) *jqShape {
	if r.depth++; r.depth > deepestNesting {
		return r.fail()
	}
	defer func() { r.depth-- }()
	out := r.comma(in)
	for !r.lost && r.peek() == '|' && !strings.HasPrefix(r.text[r.at:], "|=") {
		r.at++
		out = r.comma(out)
	}
	if end != 0 && !r.lost && r.at < len(r.text) && !r.take(string(end)) {
		return r.fail()
	}
	return out
}

// comma reads one or more values, whose shape is known when they are alike.
func (r *jqReader) comma(in *jqShape) *jqShape {
	out := r.operation(in)
	for !r.lost && r.take(",") {
		if next := r.operation(in); !next.same(out) {
			out = nil
		}
	}
	return out
}

// jqOperators are longest first.
func jqOperators() []string {
	return []string{"?//", "//=", "//", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%"}
}

// operation reads terms with operators between them. All have the same input.
func (r *jqReader) operation(in *jqShape) *jqShape {
	out := r.term(in)
	for !r.lost && r.operator() {
		r.term(in)
		out = nil
	}
	return out
}

func (r *jqReader) operator() bool {
	for _, o := range jqOperators() {
		if r.take(o) {
			return true
		}
	}
	for _, word := range []string{"and", "or"} {
		if r.word() == word {
			if r.at += len(word); r.at == len(r.text) {
				r.fail() // perhaps the beginning of a name
			}
			return !r.lost
		}
	}
	return false
}

// word is the name of a function or a keyword that stands here, not yet taken.
func (r *jqReader) word() string {
	r.blanks()
	return r.text[r.at : r.at+nameLength(r.text[r.at:])]
}

// term reads one value with the steps behind it.
func (r *jqReader) term(in *jqShape) *jqShape {
	r.reached = false
	var out *jqShape
	switch c := r.peek(); {
	case r.at == len(r.text):
		r.begins(r.at, in)
		return nil
	case strings.HasPrefix(r.text[r.at:], ".."):
		return r.fail()
	case c == '.':
		return r.path(in)
	case c == '(':
		r.at++
		out = r.pipe(in, ')')
	case c == '[':
		r.at++
		if r.take("]") {
			break
		}
		if out = r.pipe(in, ']'); out != nil {
			out = &jqShape{list: out}
		}
	case c == '{':
		r.at++
		out = r.object(in)
	case c == '"':
		r.quoted(in)
	case c == '$':
		r.at++
		r.at += nameLength(r.text[r.at:])
	case c == '@':
		r.at++
		r.at += nameLength(r.text[r.at:])
		if r.peek() == '"' {
			r.quoted(in)
		}
	case c >= '0' && c <= '9':
		for r.at < len(r.text) && (isDigit(r.text[r.at], 10) || strings.IndexByte(".eE", r.text[r.at]) >= 0) {
			r.at++
		}
	default:
		out = r.call(in)
	}
	if r.lost || r.at == len(r.text) {
		return out
	}
	return r.steps(out)
}

// path reads what begins with a dot.
func (r *jqReader) path(in *jqShape) *jqShape {
	switch rest := r.text[r.at+1:]; {
	case rest == "", rest[0] == '"', nameLength(rest) > 0:
		return r.steps(in)
	case rest[0] == '[' || rest[0] == '?':
		r.begins(r.at, in)
	}
	r.at++ // the dot alone, or before an index
	return r.steps(in)
}

// steps reads keys, indexes and question marks behind a value.
func (r *jqReader) steps(of *jqShape) *jqShape {
	for !r.lost {
		switch c := r.here(); {
		case c == '.' && strings.HasPrefix(r.text[r.at:], ".."):
			return r.fail()
		case c == '.':
			dot := r.at
			r.at++
			n := nameLength(r.text[r.at:])
			switch {
			case n > 0 || r.at == len(r.text):
				r.begins(dot, of)
				of = of.key(r.text[r.at : r.at+n])
				r.at += n
			case r.here() == '[':
			default:
				return r.fail() // a quoted key, too
			}
		case c == '[':
			of = r.index(of)
		case c == '?' && !strings.HasPrefix(r.text[r.at:], "?//"):
			r.at++
			r.reached = false
		default:
			if r.at < len(r.text) {
				r.reached = false
			}
			return of
		}
	}
	return of
}

// index reads [], [0], [-1], [1:2] or ["key"]. In one that has no end the step
// before it is still to be completed.
func (r *jqReader) index(of *jqShape) *jqShape {
	open := r.at
	end := strings.IndexByte(r.text[open:], ']')
	if end < 0 {
		if inside := r.text[open+1:]; inside != "" {
			return r.fail()
		}
		r.at = len(r.text)
		return nil
	}
	inside := strings.TrimSpace(r.text[open+1 : open+end])
	r.at = open + end + 1
	element := of.element()
	switch number := strings.TrimPrefix(inside, "-"); {
	case inside == "":
		return element
	case number != "" && strings.Trim(number, "0123456789") == "":
		of = element
	case strings.Trim(inside, "0123456789:-") == "" && strings.Count(inside, ":") == 1:
		if element == nil {
			of = nil
		}
	default:
		return r.fail()
	}
	r.begins(r.at, of)
	return of
}

// object reads {key: value, …} behind its brace.
func (r *jqReader) object(in *jqShape) *jqShape {
	out := &jqShape{object: []jqKey{}}
	for !r.lost {
		if r.take("}") {
			return out
		}
		name := r.word()
		r.at += len(name)
		if name == "" || r.at == len(r.text) {
			return r.fail() // a name that is not read, or is being typed
		}
		value := in.key(name)
		if r.take(":") {
			value = r.operation(in)
			if r.at == len(r.text) || r.lost {
				return nil
			}
		}
		out.object = append(out.object, jqKey{name, value})
		if r.take(",") {
			continue
		}
		if r.peek() != '}' {
			return r.fail()
		}
	}
	return nil
}

// quoted reads a text, and the expressions that are put into it.
func (r *jqReader) quoted(in *jqShape) {
	for r.at++; r.at < len(r.text); r.at++ {
		switch {
		case strings.HasPrefix(r.text[r.at:], `\(`):
			r.at += 2
			r.pipe(in, ')')
			if r.lost || r.at == len(r.text) {
				return
			}
			r.at--
		case r.here() == '\\':
			r.at++
		case r.here() == '"':
			r.at++
			return
		}
	}
	r.fail()
}

// call reads a function with what it is given.
func (r *jqReader) call(in *jqShape) *jqShape {
	name := r.word()
	r.at += len(name)
	if name == "" || r.at == len(r.text) || jqKeyword(name) {
		return r.fail() // the end of a name is no path
	}
	if r.here() != '(' {
		return jqGives(name, in, nil)
	}
	r.at++
	out := r.pipe(jqInput(name, in), 0)
	if r.lost || r.at == len(r.text) {
		return nil
	}
	if r.take(")") {
		return jqGives(name, in, out)
	}
	return r.fail() // more than one argument
}

// jqKeyword reports whether a word begins something else than a function.
func jqKeyword(name string) bool {
	return strings.Contains(" if then elif else end reduce foreach try catch def label import include as __loc__ ", " "+name+" ")
}

// jqInput is what the argument of a function has as its input.
func jqInput(name string, in *jqShape) *jqShape {
	switch name {
	case "map", "sort_by", "group_by", "unique_by", "min_by", "max_by", "any", "all":
		return in.element()
	case "select", "first", "last", "isempty", "del", "path":
		return in
	}
	return nil
}

// jqGives is what a function gives for its input, and for what its argument gives
// where it has one.
func jqGives(name string, in, argument *jqShape) *jqShape {
	switch name {
	case "select", "debug":
		return in
	case "map":
		if in.element() == nil || argument == nil {
			return nil
		}
		return &jqShape{list: argument}
	case "first", "last":
		if argument != nil {
			return argument
		}
		return in.element()
	case "min", "max", "min_by", "max_by":
		return in.element()
	case "sort", "unique", "reverse", "sort_by", "unique_by":
		if in.element() == nil {
			return nil
		}
		return in
	case "group_by":
		if in.element() == nil {
			return nil
		}
		return &jqShape{list: in}
	}
	return nil
}

const deepestPath = 5

type jqCollector struct {
	before string
	found  []Candidate
}

func (c *jqCollector) collect(s *jqShape, path string, depth int) {
	if depth > deepestPath {
		return
	}
	if element := s.element(); element != nil {
		if path == "" {
			path = "."
		}
		c.add(path+"[]", "each of them")
		c.collect(element, path+"[]", depth+1)
		return
	}
	for _, k := range s.keys() {
		c.add(path+"."+k.name, k.is.word())
		c.collect(k.is, path+"."+k.name, depth+1)
	}
}

func (c *jqCollector) add(path, description string) {
	c.found = append(c.found, Candidate{c.before + path, description})
}

// jqShape is what a value looks like: as a type of the contract, or as an
// expression makes it of one. A nil shape is not known.
type jqShape struct {
	contract reflect.Type
	list     *jqShape
	object   []jqKey
}

type jqKey struct {
	name string
	is   *jqShape
}

// shapeOf is the shape of a value of the contract; nil for none.
func shapeOf(v any) *jqShape {
	if v == nil {
		return nil
	}
	return &jqShape{contract: underPointer(reflect.TypeOf(v))}
}

// element is what a list has; nil for what is no list.
func (s *jqShape) element() *jqShape {
	switch {
	case s == nil:
		return nil
	case s.contract == nil:
		return s.list
	case s.contract.Kind() == reflect.Slice && s.contract.Elem().Kind() != reflect.Uint8:
		return &jqShape{contract: underPointer(s.contract.Elem())}
	}
	return nil
}

// keys are those of an object that can be written behind a dot.
func (s *jqShape) keys() []jqKey {
	switch {
	case s == nil:
		return nil
	case s.contract == nil:
		return s.object
	}
	var keys []jqKey
	for _, k := range contractKeys(s.contract) {
		name := strings.TrimSuffix(k.name, "?") // which says that it may be missing
		if name != "" && nameLength(name) == len(name) {
			keys = append(keys, jqKey{name, &jqShape{contract: underPointer(k.is)}})
		}
	}
	return keys
}

func (s *jqShape) key(name string) *jqShape {
	for _, k := range s.keys() {
		if k.name == name {
			return k.is
		}
	}
	return nil
}

// same reports whether both are known and the same.
func (s *jqShape) same(other *jqShape) bool {
	return s != nil && other != nil && s.contract != nil && s.contract == other.contract
}

func (s *jqShape) word() string {
	switch {
	case s == nil:
		return ""
	case s.contract != nil:
		return kindWord(s.contract)
	case s.list != nil:
		return "a list"
	}
	return "an object"
}

// record is what one line of a command's JSON has: what is declared, or else
// what the only list in its document has.
func (c *Command) record() *jqShape {
	if c.Record != nil {
		return shapeOf(c.Record)
	}
	if keys := shapeOf(c.JSON).keys(); len(keys) == 1 {
		if element := keys[0].is.element(); element != nil && len(element.keys()) > 0 {
			return element
		}
	}
	return shapeOf(c.JSON)
}

func underPointer(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

type contractKey struct {
	name string
	is   reflect.Type
}

// contractKeys are the keys of a struct as encoding/json names them.
func contractKeys(t reflect.Type) []contractKey {
	t = underPointer(t)
	if t.Kind() != reflect.Struct {
		return nil
	}
	var keys []contractKey
	for f := range t.Fields() {
		switch name := jsonKey(f); {
		case name != "":
			keys = append(keys, contractKey{name, f.Type})
		case f.Anonymous && f.Tag.Get("json") == "":
			keys = append(keys, contractKeys(f.Type)...)
		}
	}
	return keys
}

func kindWord(t reflect.Type) string {
	t = underPointer(t)
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Map:
		return "an object"
	case reflect.Struct:
		if len(contractKeys(t)) > 0 {
			return "an object"
		}
		return ""
	}
	if t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64 {
		return "a number"
	}
	return ""
}
