//! The plugin my-plugin: one tool that changes a variable, and one that streams.

use bridge_plugin::{Call, Parameter, Plugin, ReadVariables, Result, Tool, Variables};

/// Reads a variable and writes it; `update` begins again when somebody else has written it meanwhile.
fn add(call: &Call, variables: &Variables) -> Result<f64> {
    let amount: f64 = call.parameter("amount")?;
    variables.update(call.parameter("variable")?, |value: f64| value + amount)
}

/// Streams as fast as the client takes it. `emit` and `progress` fail when the call is cancelled.
fn count(call: &Call, _: &ReadVariables) -> Result<i64> {
    let to: i64 = call.parameter("to")?;
    for number in 1..=to {
        if !call.emit(&number)? {
            break; // nobody streams: the result is all that is wanted
        }
        call.progress(number as f64 / to as f64, "")?;
    }
    Ok(to)
}

fn plugin() -> Plugin {
    Plugin::new("my-plugin", env!("CARGO_PKG_VERSION"))
        .description("What my-plugin is for.")
        .tool(
            Tool::new("my_plugin_add", "Adds a number to a variable of the session.", add)
                .parameter(Parameter::required::<str>("variable", "The name of a float variable."))
                .parameter(Parameter::default("amount", "What to add to it.", 1.0))
                .answers("The new value."),
        )
        .tool(
            Tool::read_only("my_plugin_count", "Streams the numbers from 1 up.", count)
                .parameter(
                    Parameter::default("to", "The last number.", 3i64)
                        .constraints(r#"{"min": 0, "max": 100000, "examples": [1, 10]}"#),
                )
                .answers("How many numbers there were.")
                .streams()
                .idempotent(),
        )
}
bridge_plugin::export!(plugin());
