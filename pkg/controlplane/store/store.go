// Package store keeps the control plane's state in one SQLite database.
//
// Open creates or migrates the file; Write runs a change and returns when it
// is on disk:
//
//	s, err := store.Open(ctx, filepath.Join(dir, "state.db"))
//	err = s.Write(ctx, func(tx *store.Tx) error { return tx.InsertKey(&key) })
//
// Guarantees: a Write that returned nil survives the death of the process and
// of the machine (WAL, synchronous=FULL); a Write that returned an error left
// nothing behind; writes that wait at the same time share one commit. Readers
// see committed writes only and never wait for a writer. The package holds
// SQL and no rule: what may be written is decided by its caller.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// ErrNotFound is returned by lookups of a single row that is not there.
var ErrNotFound = errors.New("store: no such row")

// ErrClosed is returned by every call after Close.
var ErrClosed = errors.New("store: closed")

// maxGroup bounds how many waiting writes share one commit.
const maxGroup = 256

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	writer *sql.DB
	reader *sql.DB
	conn   *sql.Conn
	tx     *Tx

	queue chan *write
	done  chan struct{}

	mu     sync.RWMutex // held for reading while a write is being queued
	closed bool
}

type write struct {
	change func(*Tx) error
	result chan error
}

// Open opens the database at path, creating the file and bringing its schema
// up to date. Only one process may have it open for writing; the caller sees
// to that.
func Open(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	writer, err := sql.Open("sqlite", dsn(path, "busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	writer.SetMaxOpenConns(1)
	conn, err := writer.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), writer.Close())
	}
	if err := migrate(ctx, conn); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), conn.Close(), writer.Close())
	}
	reader, err := sql.Open("sqlite", dsn(path, "busy_timeout(10000)", "query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), conn.Close(), writer.Close())
	}
	reader.SetMaxOpenConns(max(2, runtime.NumCPU()))
	s := &Store{
		writer: writer,
		reader: reader,
		conn:   conn,
		tx:     &Tx{conn: conn, statements: make(map[string]*sql.Stmt)},
		queue:  make(chan *write, maxGroup),
		done:   make(chan struct{}),
	}
	go s.commitLoop()
	return s, nil
}

func dsn(path string, pragmas ...string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a Windows drive letter
	}
	query := make(url.Values)
	for _, pragma := range pragmas {
		query.Add("_pragma", pragma)
	}
	return (&url.URL{Scheme: "file", Path: slashed, RawQuery: query.Encode()}).String()
}

// Close waits for queued writes, moves the write-ahead log into the database
// and closes it. Calls after it return ErrClosed; a second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	<-s.done
	s.tx.closeStatements()
	return errors.Join(s.reader.Close(), s.conn.Close(), s.writer.Close())
}

// Write runs change in a transaction and returns when its outcome is durable.
// Once queued it is not abandoned when ctx ends, so that the caller always
// knows whether it happened. change may run beside others in one transaction;
// its own failure undoes it alone.
func (s *Store) Write(ctx context.Context, change func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &write{change: change, result: make(chan error, 1)}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return ErrClosed
	}
	s.queue <- w
	s.mu.RUnlock()
	return <-w.result
}

func (s *Store) commitLoop() {
	defer close(s.done)
	group := make([]*write, 0, maxGroup)
	for first := range s.queue {
		group = append(group[:0], first)
	gather:
		for len(group) < maxGroup {
			select {
			case w, ok := <-s.queue:
				if !ok {
					break gather
				}
				group = append(group, w)
			default:
				break gather
			}
		}
		s.commit(group)
	}
}

// commit runs a group of writes in one transaction, each under a savepoint.
func (s *Store) commit(group []*write) {
	outcomes := make([]error, len(group))
	err := s.tx.exec("BEGIN IMMEDIATE")
	if err == nil {
		for i, w := range group {
			outcomes[i] = s.tx.savepoint(w.change)
		}
		if err = s.tx.exec("COMMIT"); err != nil {
			err = errors.Join(err, s.tx.exec("ROLLBACK"))
		}
	}
	for i, w := range group {
		if err != nil {
			w.result <- fmt.Errorf("store: commit: %w", err)
			continue
		}
		w.result <- outcomes[i]
	}
}

// Tx is a change under way. It may be used inside the function given to Write
// only.
type Tx struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

func (tx *Tx) savepoint(change func(*Tx) error) (err error) {
	if err := tx.exec("SAVEPOINT change"); err != nil {
		return err
	}
	finished := false
	defer func() {
		if finished && err == nil {
			return
		}
		if undo := tx.exec("ROLLBACK TO change"); undo != nil {
			err = errors.Join(err, undo)
		}
		if undo := tx.exec("RELEASE change"); undo != nil {
			err = errors.Join(err, undo)
		}
	}()
	err = change(tx)
	if err == nil {
		err = tx.exec("RELEASE change")
	}
	finished = true
	return err
}

// prepared returns the statement for query, prepared once per connection.
func (tx *Tx) prepared(query string) (*sql.Stmt, error) {
	if statement, ok := tx.statements[query]; ok {
		return statement, nil
	}
	statement, err := tx.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	tx.statements[query] = statement
	return statement, nil
}

func (tx *Tx) exec(query string, args ...any) error {
	statement, err := tx.prepared(query)
	if err != nil {
		return err
	}
	_, err = statement.Exec(args...)
	return err
}

// insert executes query and stores the new row's id.
func (tx *Tx) insert(id *int64, query string, args ...any) error {
	statement, err := tx.prepared(query)
	if err != nil {
		return err
	}
	result, err := statement.Exec(args...)
	if err != nil {
		return err
	}
	*id, err = result.LastInsertId()
	return err
}

// update executes query and fails with ErrNotFound when it touched no row.
func (tx *Tx) update(query string, args ...any) error {
	statement, err := tx.prepared(query)
	if err != nil {
		return err
	}
	result, err := statement.Exec(args...)
	if err != nil {
		return err
	}
	touched, err := result.RowsAffected()
	if err == nil && touched == 0 {
		err = ErrNotFound
	}
	return err
}

func (tx *Tx) closeStatements() {
	for _, statement := range tx.statements {
		statement.Close()
	}
}

// collect runs a query and scans each row.
func collect[T any](ctx context.Context, s *Store, scan func(row scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := s.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

type scanner interface{ Scan(...any) error }

// micros is how times are stored: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment is the inverse of micros, in UTC.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
