package bridge

// #include "shim.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// JSON is the text of any JSON value: of parameters with a JSON Schema.
type JSON string

// Tensor is numbers with a shape, outermost length first.
type Tensor struct {
	Numbers []float64
	Shape   []uint64
}

// view is a text in C's memory; `free` gives it back.
func view(text string) C.bridge_str {
	if text == "" {
		return C.bridge_str{}
	}
	return C.bridge_str{data: (*C.char)(C.CBytes([]byte(text))), length: C.size_t(len(text))}
}

func free(text C.bridge_str) { C.free(unsafe.Pointer(text.data)) }

func text(view C.bridge_str) string {
	return string(bytes(view))
}

func bytes(view C.bridge_str) []byte {
	if view.length == 0 {
		return nil
	}
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(view.data)), int(view.length))...)
}

// toValue copies a Go value into C's memory. What has to be freed is `memory`: one piece, or nothing.
func toValue(value any) (result C.bridge_value, memory unsafe.Pointer, err error) {
	as := unsafe.Pointer(&result.as)
	put := func(kind Type, data []byte) {
		result._type = C.bridge_type(kind)
		if len(data) > 0 {
			memory = C.CBytes(data)
		}
		*(*C.bridge_str)(as) = C.bridge_str{data: (*C.char)(memory), length: C.size_t(len(data))}
	}
	switch value := value.(type) {
	case nil:
	case float64:
		result._type = C.BRIDGE_TYPE_FLOAT
		*(*float64)(as) = value
	case int:
		result._type = C.BRIDGE_TYPE_INTEGER
		*(*int64)(as) = int64(value)
	case int64:
		result._type = C.BRIDGE_TYPE_INTEGER
		*(*int64)(as) = value
	case bool:
		result._type = C.BRIDGE_TYPE_BOOLEAN
		if value {
			*(*byte)(as) = 1
		}
	case string:
		put(String, []byte(value))
	case JSON:
		put(Any, []byte(value))
	case []byte:
		put(Bytes, value)
	case []float64:
		memory = numbers(as, value, nil)
		result._type = C.BRIDGE_TYPE_EMBEDDING
	case Tensor:
		memory = numbers(as, value.Numbers, append([]uint64{}, value.Shape...))
		result._type = C.BRIDGE_TYPE_TENSOR
	default:
		err = Errorf(Internal, "a %T cannot be a value", value)
	}
	return
}

// numbers puts the shape and the numbers into one piece of memory. A shape of nil stands for one dimension.
func numbers(as unsafe.Pointer, data []float64, shape []uint64) unsafe.Pointer {
	size := 8 * (len(shape) + len(data))
	memory := C.malloc(C.size_t(size + 8))
	result := C.bridge_numbers{count: C.size_t(len(data)), element: C.BRIDGE_FLOAT64, rank: 1}
	if shape != nil {
		copy(unsafe.Slice((*uint64)(memory), len(shape)), shape)
		result.rank = C.uint32_t(len(shape))
		result.shape = (*C.uint64_t)(memory)
	}
	result.data = unsafe.Add(memory, 8*len(shape))
	copy(unsafe.Slice((*float64)(result.data), len(data)), data)
	*(*C.bridge_numbers)(as) = result
	return memory
}

// fromValue copies a value of the host's: nil, float64, int64, bool, string, JSON, []byte, []float64 or Tensor.
func fromValue(value *C.bridge_value) (any, error) {
	as := unsafe.Pointer(&value.as)
	switch Type(value._type) {
	case null:
		return nil, nil
	case Float:
		return *(*float64)(as), nil
	case Integer:
		return *(*int64)(as), nil
	case Boolean:
		return *(*byte)(as) != 0, nil
	case String, Choice, Module:
		return text(*(*C.bridge_str)(as)), nil
	case Object, Array, Any:
		return JSON(text(*(*C.bridge_str)(as))), nil
	case Bytes:
		return bytes(*(*C.bridge_str)(as)), nil
	case Embedding:
		return floats((*C.bridge_numbers)(as))
	case TensorType:
		raw := (*C.bridge_numbers)(as)
		data, err := floats(raw)
		shape := make([]uint64, raw.rank)
		if raw.shape != nil {
			copy(shape, unsafe.Slice((*uint64)(raw.shape), int(raw.rank)))
		} else if raw.rank == 1 {
			shape[0] = uint64(raw.count)
		}
		return Tensor{data, shape}, err
	}
	return nil, Errorf(Unimplemented, "a value of type %d is not known", value._type)
}

func convert[T float64 | float32 | int64 | int32 | int16 | int8 | uint64 | uint32 | uint16 | uint8](raw *C.bridge_numbers) []float64 {
	result := make([]float64, raw.count)
	if raw.count > 0 {
		for i, number := range unsafe.Slice((*T)(raw.data), int(raw.count)) {
			result[i] = float64(number)
		}
	}
	return result
}

func floats(raw *C.bridge_numbers) ([]float64, error) {
	switch raw.element {
	case C.BRIDGE_FLOAT64:
		return convert[float64](raw), nil
	case C.BRIDGE_FLOAT32:
		return convert[float32](raw), nil
	case C.BRIDGE_INT64:
		return convert[int64](raw), nil
	case C.BRIDGE_INT32:
		return convert[int32](raw), nil
	case C.BRIDGE_INT16:
		return convert[int16](raw), nil
	case C.BRIDGE_INT8:
		return convert[int8](raw), nil
	case C.BRIDGE_UINT64:
		return convert[uint64](raw), nil
	case C.BRIDGE_UINT32:
		return convert[uint32](raw), nil
	case C.BRIDGE_UINT16:
		return convert[uint16](raw), nil
	case C.BRIDGE_UINT8, C.BRIDGE_BOOL:
		return convert[uint8](raw), nil
	}
	return nil, fmt.Errorf("numbers of element type %d are not known", raw.element)
}
