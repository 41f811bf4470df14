package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// LogLine is a row of log_lines. Its time, in microseconds, is unique within
// its runner.
type LogLine struct {
	Runner  int64 // Runner.ID
	Time    time.Time
	Level   string
	Source  string
	Message string
	Labels  map[string]string
}

// LogTotals says how much of a runner's log is stored.
type LogTotals struct {
	Lines   int64
	Bytes   int64
	Dropped int64 // lines removed to keep within the bound
}

// lineOverhead is what a line counts for beside its text, in bytes.
const lineOverhead = 48

// logRows is how many lines one INSERT carries.
const logRows = 64

// AppendLogs adds lines and counts them. It returns the totals of each runner
// that was written to.
func (tx *Tx) AppendLogs(lines []LogLine) (map[int64]LogTotals, error) {
	type count struct{ lines, bytes int64 }
	added := make(map[int64]count)
	args := make([]any, 0, logRows*6)
	for start := 0; start < len(lines); start += logRows {
		batch := lines[start:min(start+logRows, len(lines))]
		args = args[:0]
		for i := range batch {
			line := &batch[i]
			labels, err := encodeLabels(line.Labels)
			if err != nil {
				return nil, err
			}
			args = append(args, line.Runner, micros(line.Time), line.Level, line.Source, line.Message, labels)
			c := added[line.Runner]
			added[line.Runner] = count{c.lines + 1, c.bytes + int64(len(line.Message)+len(labels)+lineOverhead)}
		}
		query := `INSERT INTO log_lines (runner, time, level, source, message, labels) VALUES (?, ?, ?, ?, ?, ?)` +
			strings.Repeat(`, (?, ?, ?, ?, ?, ?)`, len(batch)-1)
		if err := tx.exec(query, args...); err != nil {
			return nil, err
		}
	}
	totals := make(map[int64]LogTotals, len(added))
	for runner, c := range added {
		statement, err := tx.prepared(`INSERT INTO log_totals (runner, lines, bytes) VALUES (?, ?, ?)
			ON CONFLICT (runner) DO UPDATE SET lines = lines + excluded.lines, bytes = bytes + excluded.bytes
			RETURNING lines, bytes, dropped`)
		if err != nil {
			return nil, err
		}
		var t LogTotals
		if err := statement.QueryRow(runner, c.lines, c.bytes).Scan(&t.Lines, &t.Bytes, &t.Dropped); err != nil {
			return nil, err
		}
		totals[runner] = t
	}
	return totals, nil
}

// DropOldestLogs removes the oldest lines of a runner until at least bytes are
// freed, and puts notice in front of what is left. notice is given the number
// of lines dropped so far and returns the line; only its Runner and Time are
// set here.
func (tx *Tx) DropOldestLogs(runner, bytes int64, notice func(dropped int64) LogLine) error {
	var dropped, noticeTime int64
	row, err := tx.prepared(`SELECT dropped, notice_time FROM log_totals WHERE runner = ?`)
	if err != nil {
		return err
	}
	if err := row.QueryRow(runner).Scan(&dropped, &noticeTime); err != nil {
		return err
	}
	if noticeTime != 0 {
		freed, err := tx.deleteLogs(runner, noticeTime)
		if err != nil {
			return err
		}
		bytes -= freed.Bytes
	}
	cut, err := tx.cutTime(runner, bytes)
	if err != nil || cut == 0 {
		return err
	}
	freed, err := tx.deleteLogs(runner, cut)
	if err != nil {
		return err
	}
	dropped += freed.Lines
	line := notice(dropped)
	line.Runner, line.Time = runner, moment(cut)
	if _, err := tx.AppendLogs([]LogLine{line}); err != nil {
		return err
	}
	return tx.update(`UPDATE log_totals SET dropped = ?, notice_time = ? WHERE runner = ?`, dropped, cut, runner)
}

// cutTime finds the time up to which lines must go to free so many bytes; 0
// when there is none.
func (tx *Tx) cutTime(runner, bytes int64) (int64, error) {
	statement, err := tx.prepared(`SELECT time, length(CAST(message AS BLOB)) + length(CAST(labels AS BLOB)) + ? FROM log_lines WHERE runner = ? ORDER BY time`)
	if err != nil {
		return 0, err
	}
	rows, err := statement.Query(lineOverhead, runner)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var cut int64
	for bytes > 0 && rows.Next() {
		var size int64
		if err := rows.Scan(&cut, &size); err != nil {
			return 0, err
		}
		bytes -= size
	}
	return cut, rows.Err()
}

// deleteLogs removes the lines of a runner up to and including a time.
func (tx *Tx) deleteLogs(runner, upTo int64) (freed LogTotals, err error) {
	statement, err := tx.prepared(`SELECT count(*), coalesce(sum(length(CAST(message AS BLOB)) + length(CAST(labels AS BLOB)) + ?), 0)
		FROM log_lines WHERE runner = ? AND time <= ?`)
	if err != nil {
		return freed, err
	}
	if err := statement.QueryRow(lineOverhead, runner, upTo).Scan(&freed.Lines, &freed.Bytes); err != nil {
		return freed, err
	}
	if err := tx.exec(`DELETE FROM log_lines WHERE runner = ? AND time <= ?`, runner, upTo); err != nil {
		return freed, err
	}
	return freed, tx.update(`UPDATE log_totals SET lines = lines - ?, bytes = bytes - ? WHERE runner = ?`, freed.Lines, freed.Bytes, runner)
}

// LogRange says which lines of a runner to read. Of one that holds more than
// Limit lines or MaxBytes of messages, the first of its order are read.
type LogRange struct {
	Runner      int64
	From, To    time.Time // To itself is left out
	NewestFirst bool
	Source      string // of this source only; empty for all
	Search      string // of messages that contain it, where A to Z are as good as a to z; empty for all
	Limit       int
	MaxBytes    int // at least one line is read
}

// LogLines reads lines in the order that r gives, and says whether the range
// holds more.
func (s *Store) LogLines(ctx context.Context, r LogRange) (lines []LogLine, more bool, err error) {
	query, args := r.statement()
	rows, err := s.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	size := 0
	for rows.Next() {
		if len(lines) == r.Limit || size >= r.MaxBytes {
			return lines, true, nil
		}
		line := LogLine{Runner: r.Runner}
		var at int64
		var labels string
		if err := rows.Scan(&at, &line.Level, &line.Source, &line.Message, &labels); err != nil {
			return nil, false, err
		}
		line.Time = moment(at)
		if line.Labels, err = decodeLabels(labels); err != nil {
			return nil, false, err
		}
		size += len(line.Message)
		lines = append(lines, line)
	}
	return lines, false, rows.Err()
}

func (r LogRange) statement() (query string, args []any) {
	query = `SELECT time, level, source, message, labels FROM log_lines`
	if r.Source == SourceLifecycle {
		query += ` INDEXED BY lifecycle_lines`
	}
	query += ` WHERE runner = ? AND time >= ? AND time < ?`
	args = []any{r.Runner, r.From.UnixMicro(), r.To.UnixMicro()}
	switch r.Source {
	case "":
	case SourceLifecycle:
		query += ` AND source = '` + SourceLifecycle + `'` // a parameter would not fit the partial index
	default:
		query += ` AND source = ?`
		args = append(args, r.Source)
	}
	if r.Search != "" {
		// Unlike LIKE, instr reads on after a NUL; lower knows A to Z only.
		query += ` AND instr(lower(message), lower(?)) > 0`
		args = append(args, r.Search)
	}
	query += ` ORDER BY time`
	if r.NewestFirst {
		query += ` DESC`
	}
	return query + ` LIMIT ?`, append(args, r.Limit+1)
}

// LogTotals returns how much of a runner's log is stored.
func (s *Store) LogTotals(ctx context.Context, runner int64) (LogTotals, error) {
	var t LogTotals
	err := s.reader.QueryRowContext(ctx, `SELECT lines, bytes, dropped FROM log_totals WHERE runner = ?`, runner).
		Scan(&t.Lines, &t.Bytes, &t.Dropped)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return t, err
}

func encodeLabels(labels map[string]string) (string, error) {
	if len(labels) == 0 {
		return "", nil
	}
	text, err := json.Marshal(labels)
	return string(text), err
}

func decodeLabels(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	var labels map[string]string
	err := json.Unmarshal([]byte(text), &labels)
	return labels, err
}

// LastLogTime returns the time of a runner's newest line, zero without one.
func (tx *Tx) LastLogTime(runner int64) (time.Time, error) {
	statement, err := tx.prepared(`SELECT coalesce(max(time), 0) FROM log_lines WHERE runner = ?`)
	if err != nil {
		return time.Time{}, err
	}
	var at int64
	err = statement.QueryRow(runner).Scan(&at)
	return moment(at), err
}
