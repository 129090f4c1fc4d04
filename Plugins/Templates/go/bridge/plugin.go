// Package bridge is a layer over bridge_plugin.h for plugins in Go.
//
// It covers parameters, results, streaming, time, logs and variables. What it lacks, such as watches, other tools
// and state per session, is in include/bridge, and is added to shim.h and shim.c in a few lines.
package bridge

// #cgo CFLAGS: -std=c11 -I${SRCDIR}/../include
// #include "shim.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// Type is that of a parameter, a result or a variable.
type Type uint32

// The types, and what a value of each is in Go.
const (
	null       Type = C.BRIDGE_TYPE_NULL
	Float      Type = C.BRIDGE_TYPE_FLOAT     // float64
	Integer    Type = C.BRIDGE_TYPE_INTEGER   // int64
	String     Type = C.BRIDGE_TYPE_STRING    // string
	Boolean    Type = C.BRIDGE_TYPE_BOOLEAN   // bool
	Choice     Type = C.BRIDGE_TYPE_CHOICE    // string
	Module     Type = C.BRIDGE_TYPE_MODULE    // string
	Embedding  Type = C.BRIDGE_TYPE_EMBEDDING // []float64
	TensorType Type = C.BRIDGE_TYPE_TENSOR    // Tensor
	Object     Type = C.BRIDGE_TYPE_OBJECT    // JSON
	Array      Type = C.BRIDGE_TYPE_ARRAY     // JSON
	Bytes      Type = C.BRIDGE_TYPE_BYTES     // []byte
	Any        Type = C.BRIDGE_TYPE_ANY       // JSON
)

// What Tool.Flags says; bridge/tool.h tells of each.
const (
	Streams     = C.BRIDGE_TOOL_STREAMS
	Destructive = C.BRIDGE_TOOL_DESTRUCTIVE
	Idempotent  = C.BRIDGE_TOOL_IDEMPOTENT
	OpenWorld   = C.BRIDGE_TOOL_OPEN_WORLD
	Atomic      = C.BRIDGE_TOOL_ATOMIC
)

// Plugin is what a plugin says of itself. It stays in memory until the process ends.
type Plugin struct {
	Name, Version, Description string // the name: 1 to 128 of [A-Za-z0-9_.-]
	Tools                      []Tool
}

// Tool is what runs, what it takes and what it answers.
type Tool struct {
	Name, Description string
	Parameters        []Parameter
	Output            Output
	Flags             uint32
	Serial            bool // one call at a time of all the plugin's serial tools
	ReadOnly          bool // it writes no variables
	// Run answers a value of Output's type. An error and a panic fail the call.
	Run func(call *Call) (any, error)
}

// Parameter is checked by the host before a call, and its default is filled in.
type Parameter struct {
	Name, Description string
	Type              Type
	Required          bool
	Default           any
	Constraints       string // a JSON object, as of a variable; of Object, Array and Any a JSON Schema
}

// Output is what a tool answers; without a type it answers nothing.
type Output struct {
	Type        Type
	Description string
}

var registered Plugin

// Register says what the plugin is: once, in a function `init`.
func Register(plugin Plugin) { registered = plugin }

// place copies a struct into memory of C that stays.
func place[T any](value T) *T {
	memory := (*T)(C.calloc(1, C.size_t(unsafe.Sizeof(value))))
	*memory = value
	return memory
}

// list makes an array of pointers in memory of C that stays.
func list[T any](items []*T) **T {
	memory := (**T)(C.calloc(C.size_t(len(items)+1), C.size_t(unsafe.Sizeof(uintptr(0)))))
	copy(unsafe.Slice(memory, len(items)), items)
	return memory
}

//export bridgeDescribe
func bridgeDescribe() *C.bridge_plugin {
	var tools []*C.bridge_tool
	for index := range registered.Tools {
		tool, err := describe(index)
		if err != nil {
			reason := view(err.Error())
			C.shim_refuse(reason)
			free(reason)
			return nil
		}
		tools = append(tools, tool)
	}
	plugin := C.bridge_plugin{
		abi_version: C.BRIDGE_ABI_VERSION,
		name:        view(registered.Name),
		version:     view(registered.Version),
		description: view(registered.Description),
		tools:       list(tools),
		tool_count:  C.size_t(len(tools)),
	}
	plugin.size = C.uint32_t(unsafe.Sizeof(plugin))
	return place(plugin)
}

func describe(index int) (*C.bridge_tool, error) {
	from := registered.Tools[index]
	var parameters []*C.bridge_parameter
	for _, parameter := range from.Parameters {
		described := C.bridge_parameter{
			name:        view(parameter.Name),
			description: view(parameter.Description),
			_type:       C.bridge_type(parameter.Type),
		}
		described.size = C.uint32_t(unsafe.Sizeof(described))
		if parameter.Required {
			described.flags = C.BRIDGE_PARAMETER_REQUIRED
		}
		if parameter.Type == Object || parameter.Type == Array || parameter.Type == Any {
			described.schema = view(parameter.Constraints)
		} else {
			described.constraints = view(parameter.Constraints)
		}
		if parameter.Default != nil {
			value, _, err := toValue(parameter.Default)
			if err != nil {
				return nil, fmt.Errorf("the default of %s: %w", parameter.Name, err)
			}
			value._type = C.bridge_type(parameter.Type)
			described.default_value = place(value)
		}
		parameters = append(parameters, place(described))
	}
	output := C.bridge_output{
		_type: C.bridge_type(from.Output.Type), description: view(from.Output.Description)}
	output.size = C.uint32_t(unsafe.Sizeof(output))
	tool := C.bridge_tool{
		flags:           C.uint32_t(from.Flags),
		name:            view(from.Name),
		description:     view(from.Description),
		threading:       C.BRIDGE_PARALLEL,
		parameters:      list(parameters),
		parameter_count: C.size_t(len(parameters)),
		output:          place(output),
	}
	tool.size = C.uint32_t(unsafe.Sizeof(tool))
	// The tool's number, and no pointer: C may not keep one to Go's memory.
	*(*uintptr)(unsafe.Pointer(&tool.context)) = uintptr(index)
	if from.Serial {
		tool.threading = C.BRIDGE_SERIAL
	}
	if from.ReadOnly {
		tool.run_read_only = (*[0]byte)(C.shim_run_read_only)
	} else {
		tool.run = (*[0]byte)(C.shim_run)
	}
	return place(tool), nil
}
