//! The plugin my-plugin: one tool that changes a variable, and one that streams.

const c = @cImport(@cInclude("bridge_plugin.h"));

/// The host's functions. Set once, before any tool runs.
var host: *const c.bridge_host = undefined;

// What the tools share.

fn str(text: []const u8) c.bridge_str {
    return .{ .data = text.ptr, .length = text.len };
}

/// Ends a call with a reason: `return fail(...)`.
fn fail(call: ?*c.bridge_call, code: c.bridge_status, reason: []const u8) c.bridge_status {
    const detail = c.bridge_error{
        .size = @sizeOf(c.bridge_error),
        .code = code,
        .message = str(reason),
    };
    _ = host.call.*.fail.?(call, &detail);
    return code;
}

/// Ends a call with the reason that the host gave for a function that has just failed.
fn failAsHost(call: ?*c.bridge_call, code: c.bridge_status) c.bridge_status {
    var detail = c.bridge_error{ .size = @sizeOf(c.bridge_error) };
    if (host.call.*.last_error.?(call, &detail) == c.BRIDGE_OK) _ = host.call.*.fail.?(call, &detail);
    return code;
}

/// Reads a parameter. The host has checked that it is there and of the type that is declared below.
fn parameter(call: ?*c.bridge_call, name: []const u8) c.bridge_value {
    var value = c.bridge_value{ .type = c.BRIDGE_TYPE_NULL };
    _ = host.call.*.parameter.?(call, str(name), &value);
    return value;
}

fn float(number: f64) c.bridge_value {
    return .{ .type = c.BRIDGE_TYPE_FLOAT, .as = .{ .number = number } };
}

fn integer(number: i64) c.bridge_value {
    return .{ .type = c.BRIDGE_TYPE_INTEGER, .as = .{ .integer = number } };
}

/// my_plugin_add: reads a variable, and writes it unless somebody else has meanwhile.
fn add(_: ?*anyopaque, call: ?*c.bridge_call, variables: ?*c.bridge_variables) callconv(.C) c.bridge_status {
    const name = parameter(call, "variable").as.text;
    const amount = parameter(call, "amount").as.number;
    while (true) {
        var snapshot: ?*c.bridge_snapshot = null;
        var status = host.variables.*.get.?(variables, name, 0, &snapshot);
        if (status != c.BRIDGE_OK) return failAsHost(call, status);
        var seen = c.bridge_variable{ .size = @sizeOf(c.bridge_variable) };
        status = host.variables.*.read.?(snapshot, &seen);
        _ = host.variables.*.release.?(snapshot); // a number is no view: it stays
        if (status != c.BRIDGE_OK) return failAsHost(call, status);
        if (seen.value.type != c.BRIDGE_TYPE_FLOAT) {
            return fail(call, c.BRIDGE_INVALID_ARGUMENT, "the variable is not a float");
        }
        const write = c.bridge_write{
            .size = @sizeOf(c.bridge_write),
            .identifier = name,
            .value = float(seen.value.as.number + amount),
            .expected_version = seen.version,
        };
        status = host.variables.*.set.?(variables, &write, null);
        if (status == c.BRIDGE_OK) return host.call.*.result.?(call, &write.value);
        if (status != c.BRIDGE_ABORTED) return failAsHost(call, status);
        status = host.call.*.check.?(call); // somebody else was quicker: once more, unless cancelled
        if (status != c.BRIDGE_OK) return fail(call, status, "ended before the variable was free");
    }
}

/// my_plugin_count: streams numbers as fast as the client takes them, until it is cancelled.
fn count(_: ?*anyopaque, call: ?*c.bridge_call, _: ?*const c.bridge_variables) callconv(.C) c.bridge_status {
    const to = parameter(call, "to").as.integer;
    var number: i64 = 1;
    while (number <= to) {
        const chunk = integer(number);
        var status = host.call.*.emit.?(call, &chunk);
        switch (status) {
            c.BRIDGE_OK => {
                const fraction = @as(f64, @floatFromInt(number)) / @as(f64, @floatFromInt(to));
                status = host.call.*.progress.?(call, fraction, str(""));
                number += 1;
            },
            c.BRIDGE_FULL => status = host.call.*.wait_for_room.?(call),
            c.BRIDGE_FAILED_PRECONDITION => break, // nobody streams: the result is all that is wanted
            else => {},
        }
        if (status == c.BRIDGE_CANCELLED or status == c.BRIDGE_DEADLINE_EXCEEDED) {
            return fail(call, status, "ended before all numbers were sent");
        }
        if (status != c.BRIDGE_OK) return failAsHost(call, status);
    }
    const result = integer(to);
    return host.call.*.result.?(call, &result);
}

// What the plugin says of itself: there for as long as the plugin.

const one = float(1);
const three = integer(3);

const add_variable = c.bridge_parameter{
    .size = @sizeOf(c.bridge_parameter),
    .flags = c.BRIDGE_PARAMETER_REQUIRED,
    .name = str("variable"),
    .description = str("The name of a float variable."),
    .type = c.BRIDGE_TYPE_STRING,
};
const add_amount = c.bridge_parameter{
    .size = @sizeOf(c.bridge_parameter),
    .name = str("amount"),
    .description = str("What to add to it."),
    .type = c.BRIDGE_TYPE_FLOAT,
    .default_value = &one,
};
const add_parameters = [_][*c]const c.bridge_parameter{ &add_variable, &add_amount };
const add_output = c.bridge_output{
    .size = @sizeOf(c.bridge_output),
    .type = c.BRIDGE_TYPE_FLOAT,
    .description = str("The new value."),
};
const add_tool = c.bridge_tool{
    .size = @sizeOf(c.bridge_tool),
    .name = str("my_plugin_add"),
    .description = str("Adds a number to a variable of the session."),
    .threading = c.BRIDGE_PARALLEL,
    .parameters = &add_parameters,
    .parameter_count = add_parameters.len,
    .output = &add_output,
    .run = add,
};

const count_to = c.bridge_parameter{
    .size = @sizeOf(c.bridge_parameter),
    .name = str("to"),
    .description = str("The last number."),
    .type = c.BRIDGE_TYPE_INTEGER,
    .default_value = &three,
    .constraints = str("{\"min\": 0, \"max\": 100000, \"examples\": [1, 10]}"),
};
const count_parameters = [_][*c]const c.bridge_parameter{&count_to};
const count_output = c.bridge_output{
    .size = @sizeOf(c.bridge_output),
    .type = c.BRIDGE_TYPE_INTEGER,
    .description = str("How many numbers there were."),
};
const count_tool = c.bridge_tool{
    .size = @sizeOf(c.bridge_tool),
    .flags = c.BRIDGE_TOOL_STREAMS | c.BRIDGE_TOOL_IDEMPOTENT,
    .name = str("my_plugin_count"),
    .description = str("Streams the numbers from 1 up."),
    .threading = c.BRIDGE_PARALLEL,
    .parameters = &count_parameters,
    .parameter_count = count_parameters.len,
    .output = &count_output,
    .run_read_only = count,
};

const tools = [_][*c]const c.bridge_tool{ &add_tool, &count_tool };
const plugin = c.bridge_plugin{
    .size = @sizeOf(c.bridge_plugin),
    .abi_version = c.BRIDGE_ABI_VERSION,
    .name = str("my-plugin"),
    .version = str("0.1.0"),
    .description = str("What my-plugin is for."),
    .tools = &tools,
    .tool_count = tools.len,
};

export fn bridge_plugin_entry(from: *const c.bridge_host, answer: *[*c]const c.bridge_plugin) c.bridge_status {
    if (from.abi_minimum > c.BRIDGE_ABI_VERSION or from.abi_maximum < c.BRIDGE_ABI_VERSION) {
        from.refuse.?(from, str("my-plugin speaks version 1 of the plugin ABI"));
        return c.BRIDGE_FAILED_PRECONDITION;
    }
    host = from;
    answer.* = &plugin;
    return c.BRIDGE_OK;
}
