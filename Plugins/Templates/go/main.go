// The plugin my-plugin: one tool that changes a variable, and one that streams.
package main

import "my-plugin/bridge"

func init() {
	bridge.Register(bridge.Plugin{
		Name:        "my-plugin",
		Version:     "0.1.0",
		Description: "What my-plugin is for.",
		Tools: []bridge.Tool{{
			Name:        "my_plugin_add",
			Description: "Adds a number to a variable of the session.",
			Parameters: []bridge.Parameter{
				{Name: "variable", Description: "The name of a float variable.", Type: bridge.String, Required: true},
				{Name: "amount", Description: "What to add to it.", Type: bridge.Float, Default: 1.0},
			},
			Output: bridge.Output{Type: bridge.Float, Description: "The new value."},
			Run:    add,
		}, {
			Name:        "my_plugin_count",
			Description: "Streams the numbers from 1 up.",
			Parameters: []bridge.Parameter{{
				Name: "to", Description: "The last number.", Type: bridge.Integer, Default: 3,
				Constraints: `{"min": 0, "max": 100000, "examples": [1, 10]}`,
			}},
			Output:   bridge.Output{Type: bridge.Integer, Description: "How many numbers there were."},
			Flags:    bridge.Streams | bridge.Idempotent,
			ReadOnly: true,
			Run:      count,
		}},
	})
}

// Reads a variable and writes it; Update begins again when somebody else has written it meanwhile.
func add(call *bridge.Call) (any, error) {
	amount := call.Parameter("amount").(float64)
	return call.Update(call.Parameter("variable").(string), func(value any) (any, error) {
		number, isFloat := value.(float64)
		if !isFloat {
			return nil, bridge.Errorf(bridge.InvalidArgument, "the variable is not a float")
		}
		return number + amount, nil
	})
}

// Streams as fast as the client takes it. Emit and Progress fail when the call is cancelled.
func count(call *bridge.Call) (any, error) {
	to := call.Parameter("to").(int64)
	for number := int64(1); number <= to; number++ {
		isWanted, err := call.Emit(number)
		if err != nil {
			return nil, err
		}
		if !isWanted {
			break // nobody streams: the result is all that is wanted
		}
		if err := call.Progress(float64(number)/float64(to), ""); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// A shared object needs it, and nobody calls it.
func main() {}
