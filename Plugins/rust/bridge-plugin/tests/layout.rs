//! Holds `sys` to the header: a C program prints sizes, offsets and constants, and Rust must agree.

use ::bridge_plugin::sys::*;
use std::mem::{size_of, MaybeUninit};
use std::process::Command;

/// The sides of the comparison: an expression of C, and the number in Rust.
fn expected() -> Vec<(String, i64)> {
    let mut rows: Vec<(String, i64)> = Vec::new();
    macro_rules! layout {
        ($($name:ident { $($field:ident $(as $c:literal)?),* })*) => {$(
            rows.push((format!("sizeof({})", stringify!($name)), size_of::<$name>() as i64));
            $({
                let whole = MaybeUninit::<$name>::uninit();
                let base = whole.as_ptr();
                // Only addresses are taken.
                let offset = unsafe {
                    std::ptr::addr_of!((*base).$field) as usize - base as usize
                };
                let c = stringify!($field).trim_end_matches('_');
                rows.push((format!("offsetof({}, {})", stringify!($name), c), offset as i64));
            })*
        )*};
    }
    layout! {
        bridge_str { data, length }
        bridge_pair { key, value }
        bridge_error { size, flags, code, reserved, message, type_, details }
        bridge_numbers { data, count, element, rank, shape }
        bridge_value { type_, reserved, as_ }
        bridge_argument { name, value }
        bridge_call_api { size, reserved, parameter, session_id, metadata, check, remaining, sleep,
            progress, result, give_result, give_binary, annotate, emit, wait_for_room, fail,
            last_error, log, state, keep_state, retain, complete, on_cancel, forget }
        bridge_details { size, reserved, written_at, writer, constraints, metadata, metadata_count }
        bridge_variable { size, version, revision, id, name, value, details }
        bridge_change { size, kind, revision, time, variable, previous, cause }
        bridge_write { size, flags, identifier, value, expected_version, reserved, metadata,
            metadata_count, release, context }
        bridge_creation { size, type_, name, value, constraints, metadata, metadata_count }
        bridge_subscription { size, flags, identifiers, identifier_count, on_change, context }
        bridge_variables_api { size, reserved, get, read, release, list, set, set_all, create,
            remove, watch, unwatch }
        bridge_request { size, flags, tool, arguments, argument_count, metadata, metadata_count,
            timeout, on_chunk, on_end, context }
        bridge_outcome { size, status, value, binary, error, metadata, metadata_count }
        bridge_tools_api { size, reserved, invoke, outcome, drop }
        bridge_parameter { size, flags, name, description, type_, reserved, default_value,
            constraints, schema }
        bridge_output { size, type_, description, constraints, schema }
        bridge_tool { size, flags, name, title, description, threading, concurrency, parameters,
            parameter_count, output, reads, read_count, writes, write_count, context, run,
            run_read_only }
        bridge_host { size, abi_revision, abi_minimum, abi_maximum, name, version, call, variables,
            tools, extension, refuse, log }
        bridge_plugin { size, abi_version, flags, reserved, name, version, description, tools,
            tool_count, configuration_schema, init, deinit, extension }
    }
    macro_rules! constants {
        ($($name:ident),* $(,)?) => { $(rows.push((stringify!($name).into(), $name as i64));)* };
    }
    constants!(
        BRIDGE_ABI_VERSION, BRIDGE_OK, BRIDGE_CANCELLED, BRIDGE_UNKNOWN, BRIDGE_INVALID_ARGUMENT,
        BRIDGE_DEADLINE_EXCEEDED, BRIDGE_NOT_FOUND, BRIDGE_ALREADY_EXISTS,
        BRIDGE_PERMISSION_DENIED, BRIDGE_RESOURCE_EXHAUSTED, BRIDGE_FAILED_PRECONDITION,
        BRIDGE_ABORTED, BRIDGE_OUT_OF_RANGE, BRIDGE_UNIMPLEMENTED, BRIDGE_INTERNAL,
        BRIDGE_UNAVAILABLE, BRIDGE_DATA_LOSS, BRIDGE_UNAUTHENTICATED, BRIDGE_FULL, BRIDGE_PENDING,
        BRIDGE_ERROR_RETRYABLE, BRIDGE_TYPE_NULL, BRIDGE_TYPE_FLOAT, BRIDGE_TYPE_INTEGER,
        BRIDGE_TYPE_STRING, BRIDGE_TYPE_BOOLEAN, BRIDGE_TYPE_CHOICE, BRIDGE_TYPE_MODULE,
        BRIDGE_TYPE_EMBEDDING, BRIDGE_TYPE_TENSOR, BRIDGE_TYPE_OBJECT, BRIDGE_TYPE_ARRAY,
        BRIDGE_TYPE_BYTES, BRIDGE_TYPE_ANY, BRIDGE_FLOAT64, BRIDGE_FLOAT32, BRIDGE_INT64,
        BRIDGE_INT32, BRIDGE_INT16, BRIDGE_INT8, BRIDGE_UINT64, BRIDGE_UINT32, BRIDGE_UINT16,
        BRIDGE_UINT8, BRIDGE_BOOL, BRIDGE_LOG_DEBUG, BRIDGE_LOG_INFO, BRIDGE_LOG_WARNING,
        BRIDGE_LOG_ERROR, BRIDGE_PARAMETER_REQUIRED, BRIDGE_TOOL_STREAMS, BRIDGE_TOOL_DESTRUCTIVE,
        BRIDGE_TOOL_IDEMPOTENT, BRIDGE_TOOL_OPEN_WORLD, BRIDGE_TOOL_ATOMIC, BRIDGE_TOOL_QUICK,
        BRIDGE_SERIAL, BRIDGE_PARALLEL, BRIDGE_WITH_DETAILS, BRIDGE_WATCH_INITIAL,
        BRIDGE_WRITE_CHECK_ONLY, BRIDGE_CHANGE_INITIAL, BRIDGE_CHANGE_SYNCED, BRIDGE_CHANGE_VALUE,
        BRIDGE_CHANGE_DELETED, BRIDGE_CHANGE_ENDED, BRIDGE_CHANGE_DEPENDENCY,
        BRIDGE_CHANGE_OPTIMIZATION,
    );
    rows
}

#[test]
fn is_the_layout_of_the_header() {
    let headers = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../Sources/BridgePluginABI/include");
    let rows = expected();
    let mut source = String::from(
        "#include <bridge_plugin.h>\n#include <stdio.h>\n#include <stddef.h>\nint main(void) {\n",
    );
    for (expression, _) in &rows {
        source += &format!("  printf(\"%lld\\n\", (long long)({}));\n", expression);
    }
    source += "  return 0;\n}\n";
    let directory = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join("layout.c");
    let program = directory.join("layout");
    std::fs::write(&file, source).unwrap();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let built = Command::new(compiler)
        .args(["-std=c11", "-I", headers, "-o"])
        .arg(&program)
        .arg(&file)
        .status()
        .expect("a C compiler is needed");
    assert!(built.success());
    let printed = Command::new(&program).output().unwrap().stdout;
    let printed: Vec<i64> =
        String::from_utf8(printed).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(printed.len(), rows.len());
    for ((expression, here), there) in rows.iter().zip(printed) {
        assert_eq!(*here, there, "{}", expression);
    }
}
