package bridge

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"
	"unsafe"
)

// Code is why something failed: the codes of gRPC.
type Code int32

// The codes that tools have use for; bridge/status.h has all.
const (
	Cancelled          Code = C.BRIDGE_CANCELLED
	Unknown            Code = C.BRIDGE_UNKNOWN
	InvalidArgument    Code = C.BRIDGE_INVALID_ARGUMENT
	DeadlineExceeded   Code = C.BRIDGE_DEADLINE_EXCEEDED
	NotFound           Code = C.BRIDGE_NOT_FOUND
	AlreadyExists      Code = C.BRIDGE_ALREADY_EXISTS
	PermissionDenied   Code = C.BRIDGE_PERMISSION_DENIED
	ResourceExhausted  Code = C.BRIDGE_RESOURCE_EXHAUSTED
	FailedPrecondition Code = C.BRIDGE_FAILED_PRECONDITION
	Aborted            Code = C.BRIDGE_ABORTED
	OutOfRange         Code = C.BRIDGE_OUT_OF_RANGE
	Unimplemented      Code = C.BRIDGE_UNIMPLEMENTED
	Internal           Code = C.BRIDGE_INTERNAL
	Unavailable        Code = C.BRIDGE_UNAVAILABLE
)

// Error is why a tool or a function of the host's failed.
type Error struct {
	Code    Code
	Message string
	Kind    string // a short name for programs; may be empty
	Details string // a JSON object; may be empty
}

func (err *Error) Error() string { return err.Message }

// Errorf makes an Error.
func Errorf(code Code, format string, arguments ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, arguments...)}
}

// Call is one call of a tool. It may be used by any goroutine until the tool's function returns.
type Call struct {
	raw       *C.bridge_call
	variables *C.bridge_variables
	readOnly  bool
}

//export bridgeRun
func bridgeRun(tool C.uintptr_t, raw *C.bridge_call, variables *C.bridge_variables) C.bridge_status {
	described := registered.Tools[tool]
	call := &Call{raw, variables, described.ReadOnly}
	if err := call.run(described); err != nil {
		return call.fail(err)
	}
	return C.BRIDGE_OK
}

func (call *Call) run(tool Tool) (err error) {
	defer func() {
		if panic := recover(); panic != nil {
			err = Errorf(Internal, "panic: %v", panic)
		}
	}()
	result, err := tool.Run(call)
	if err != nil || result == nil {
		return err
	}
	value, memory, err := toValue(result)
	if err != nil {
		return err
	}
	return call.do(func() C.bridge_status { return C.shim_give_result(call.raw, &value, memory) })
}

func (call *Call) fail(err error) C.bridge_status {
	var known *Error
	if !errors.As(err, &known) {
		known = &Error{Code: Unknown, Message: err.Error()}
	}
	detail := C.bridge_error{
		code: C.bridge_status(known.Code), message: view(err.Error()), _type: view(known.Kind), details: view(known.Details)}
	detail.size = C.uint32_t(unsafe.Sizeof(detail))
	C.shim_fail(call.raw, &detail)
	free(detail.message)
	free(detail._type)
	free(detail.details)
	return detail.code
}

// do calls a function of the host's and asks on the same thread why it failed.
func (call *Call) do(function func() C.bridge_status) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status := function()
	if status == C.BRIDGE_OK {
		return nil
	}
	var detail C.bridge_error
	detail.size = C.uint32_t(unsafe.Sizeof(detail))
	if C.shim_last_error(call.raw, &detail) == C.BRIDGE_OK && detail.code == status {
		return &Error{Code(status), text(detail.message), text(detail._type), text(detail.details)}
	}
	switch status {
	case C.BRIDGE_CANCELLED:
		return Errorf(Cancelled, "the call was cancelled")
	case C.BRIDGE_DEADLINE_EXCEEDED:
		return Errorf(DeadlineExceeded, "the deadline has passed")
	}
	return Errorf(Code(status), "the host answered status %d", status)
}

// Parameter reads a parameter: of the type that it declares, and nil for one that is absent.
func (call *Call) Parameter(name string) any {
	key := view(name)
	defer free(key)
	var value C.bridge_value
	if C.shim_parameter(call.raw, key, &value) != C.BRIDGE_OK {
		return nil
	}
	result, err := fromValue(&value)
	if err != nil {
		panic(err)
	}
	return result
}

// SessionID is that of the caller's session.
func (call *Call) SessionID() (string, error) {
	var id C.bridge_str
	err := call.do(func() C.bridge_status { return C.shim_session_id(call.raw, &id) })
	return text(id), err
}

// Metadata reads an entry of the request's metadata; empty where there is none.
func (call *Call) Metadata(key string) string {
	view := view(key)
	defer free(view)
	var value C.bridge_str
	C.shim_metadata(call.raw, view, &value)
	return text(value)
}

// Check fails when the call is to end.
func (call *Call) Check() error {
	return call.do(func() C.bridge_status { return C.shim_check(call.raw) })
}

// Remaining is the time until the deadline; the largest Duration without one.
func (call *Call) Remaining() time.Duration {
	nanoseconds := C.int64_t(math.MaxInt64)
	C.shim_remaining(call.raw, &nanoseconds)
	return time.Duration(nanoseconds)
}

// Sleep sleeps; it fails when the call is to end before that.
func (call *Call) Sleep(duration time.Duration) error {
	return call.do(func() C.bridge_status { return C.shim_sleep(call.raw, C.int64_t(duration)) })
}

// Progress tells how much is done, from 0 to 1; it fails when the call is to end.
func (call *Call) Progress(fraction float64, message string) error {
	view := view(message)
	defer free(view)
	return call.do(func() C.bridge_status { return C.shim_progress(call.raw, C.double(fraction), view) })
}

// Emit streams a chunk, and waits while the client is slower; it fails when the call is to end. It answers false
// where nobody streams from this call.
func (call *Call) Emit(chunk any) (bool, error) {
	value, memory, err := toValue(chunk)
	defer C.free(memory)
	for err == nil {
		status := C.bridge_status(C.BRIDGE_OK)
		err = call.do(func() C.bridge_status {
			status = C.shim_emit(call.raw, &value)
			if status == C.BRIDGE_FULL || status == C.BRIDGE_FAILED_PRECONDITION {
				return C.BRIDGE_OK
			}
			return status
		})
		switch {
		case err != nil:
		case status == C.BRIDGE_FULL:
			err = call.do(func() C.bridge_status { return C.shim_wait_for_room(call.raw) })
		default:
			return status == C.BRIDGE_OK, nil
		}
	}
	return false, err
}

// Log writes a line to the host's log, at level info.
func (call *Call) Log(message string) {
	view := view(message)
	C.shim_log(call.raw, C.BRIDGE_LOG_INFO, view)
	free(view)
}

// Get reads a variable and its version.
func (call *Call) Get(name string) (value any, version int32, err error) {
	key := view(name)
	defer free(key)
	var snapshot *C.bridge_snapshot
	err = call.do(func() C.bridge_status { return C.shim_get(call.variables, key, &snapshot) })
	if err != nil {
		return
	}
	defer C.shim_release(snapshot)
	var variable C.bridge_variable
	variable.size = C.uint32_t(unsafe.Sizeof(variable))
	if err = call.do(func() C.bridge_status { return C.shim_read(snapshot, &variable) }); err != nil {
		return
	}
	value, err = fromValue(&variable.value)
	return value, int32(variable.version), err
}

// Set writes a variable, if it still has the expected version where that is not 0. It answers the new one.
func (call *Call) Set(name string, value any, expectedVersion int32) (version int32, err error) {
	err = call.writing(name, value, func(key C.bridge_str, value *C.bridge_value) C.bridge_status {
		return C.shim_set(call.variables, key, value, C.int32_t(expectedVersion), (*C.int32_t)(&version))
	})
	return
}

// Create makes a variable; the constraints are a JSON object, or empty.
func (call *Call) Create(name string, value any, constraints string) error {
	limits := view(constraints)
	defer free(limits)
	return call.writing(name, value, func(key C.bridge_str, value *C.bridge_value) C.bridge_status {
		return C.shim_create(call.variables, key, value, limits)
	})
}

// Remove removes a variable.
func (call *Call) Remove(name string) error {
	return call.writing(name, nil, func(key C.bridge_str, _ *C.bridge_value) C.bridge_status {
		return C.shim_remove(call.variables, key)
	})
}

func (call *Call) writing(name string, value any, write func(C.bridge_str, *C.bridge_value) C.bridge_status) error {
	if call.readOnly {
		return Errorf(PermissionDenied, "a read-only tool writes no variables")
	}
	key := view(name)
	defer free(key)
	raw, memory, err := toValue(value)
	defer C.free(memory)
	if err != nil {
		return err
	}
	return call.do(func() C.bridge_status { return write(key, &raw) })
}

// Update changes a variable by a function of its value, and begins again when somebody else has written it
// meanwhile. It answers the new value.
func (call *Call) Update(name string, function func(value any) (any, error)) (any, error) {
	for {
		old, version, err := call.Get(name)
		if err != nil {
			return nil, err
		}
		value, err := function(old)
		if err != nil {
			return nil, err
		}
		_, err = call.Set(name, value, version)
		var known *Error
		if err == nil || !errors.As(err, &known) || known.Code != Aborted {
			return value, err
		}
		if err := call.Check(); err != nil {
			return nil, err
		}
	}
}
