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

// LogLines returns up to limit lines of a runner whose time is at or after
// from and before to, oldest first; the newest ones of them when there are
// more.
func (s *Store) LogLines(ctx context.Context, runner int64, from, to time.Time, limit int) ([]LogLine, error) {
	return collect(ctx, s, func(row scanner) (l LogLine, err error) {
		var at int64
		var labels string
		if err := row.Scan(&at, &l.Level, &l.Source, &l.Message, &labels); err != nil {
			return l, err
		}
		l.Runner, l.Time = runner, moment(at)
		l.Labels, err = decodeLabels(labels)
		return l, err
	}, `SELECT time, level, source, message, labels FROM (
			SELECT time, level, source, message, labels FROM log_lines
			WHERE runner = ? AND time >= ? AND time < ? ORDER BY time DESC LIMIT ?
		) ORDER BY time`, runner, from.UnixMicro(), to.UnixMicro(), limit)
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
