//! All that the crate wraps, for Tests/Wire/test_wrappers.py. `wrappers.cpp` there has the same tools.

use bridge_plugin::{
    Bytes, Call, ChangeKind, Code, Error, Json, Level, Numbers, Parameter, Plugin, ReadVariables,
    Result, Tensor, ToValue, Tool, Type, Variables, Write,
};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{mpsc, Mutex};
use std::time::Duration;

static FACTOR: AtomicU32 = AtomicU32::new(1);

fn known(_: &Call, _: &ReadVariables) -> Result<String> {
    Err(Error {
        kind: "far".into(),
        details: r#"{"by": 3}"#.into(),
        retryable: true,
        ..Error::new(Code::OutOfRange, "too far")
    })
}

fn other(_: &Call, _: &ReadVariables) -> Result<String> {
    let nothing: Option<String> = None;
    Ok(nothing.expect("not thought of"))
}

fn nothing(_: &Call, _: &Variables) -> Result<()> {
    Ok(())
}

/// Every type of parameters, the optional ones too, in one text.
fn kinds(call: &Call, _: &ReadVariables) -> Result<String> {
    let flag: bool = call.parameter("flag")?;
    let factor = f64::from(FACTOR.load(Ordering::Relaxed));
    Ok(format!(
        "{} {} {} {} {} {} {}",
        call.parameter::<&str>("text")?,
        if flag { "yes" } else { "no" },
        call.parameter::<i32>("integer")?,
        call.parameter::<f64>("number")? * factor,
        call.parameter::<Json>("json")?.0,
        call.parameter::<Vec<f64>>("vector")?.iter().sum::<f64>(),
        call.optional::<String>("note")?.unwrap_or_else(|| "without a note".into()),
    ))
}

fn twice(call: &Call, _: &ReadVariables) -> Result<Tensor> {
    let mut tensor: Tensor = call.parameter("tensor")?;
    tensor.numbers.iter_mut().for_each(|number| *number *= 2.0);
    Ok(tensor)
}

fn read_embedding(_: &Call, variables: &ReadVariables) -> Result<Vec<f64>> {
    let snapshot = variables.snapshot("vector")?;
    snapshot.get::<Numbers>()?.to_f64()
}

/// Creates, lists, compares and sets, and removes.
fn variables(_: &Call, variables: &Variables) -> Result<String> {
    variables.create("made.a", &1.5, r#"{"max": 10}"#)?;
    variables.create("made.b", &"b", "")?;
    let version = variables.set("made.a", &2.5)?;
    let mut text = version.to_string();
    for refused in [
        variables.set_if("made.a", &3.5, version - 1).map(|_| ()),
        variables.set("made.a", &11.0).map(|_| ()),
        variables.set_all(&[Write::new("made.b", &"c"), Write::new("made.a", &12.0)]).map(|_| ()),
    ] {
        text += &format!(" {}", refused.unwrap_err().code.status());
    }
    text += &format!(" {}", variables.get::<String>("made.b")?);
    for name in variables.names("made.*")? {
        text += &format!(" {}", name);
    }
    variables.remove("made.b")?;
    text += if variables.contains("made.b")? { " still there" } else { " gone" };
    Ok(text)
}

/// Waits until a watch has seen two changes.
fn watches(call: &Call, variables: &Variables) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    let watch = variables.watch(&["x"], false, move |change| {
        if change.kind() != ChangeKind::Value {
            return;
        }
        let number = change.value::<f64>().unwrap().unwrap();
        sender.send(number).unwrap();
        if number == 3.0 {
            panic!("dropped");
        }
    })?;
    variables.set("x", &2.0)?;
    variables.set("x", &3.0)?;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        if let Ok(number) = receiver.recv_timeout(Duration::from_millis(10)) {
            seen.push(number);
        }
        call.check()?;
    }
    drop(watch);
    Ok(format!("{} {} ", seen[0], seen[1]))
}

fn counts(call: &Call, _: &ReadVariables) -> Result<i64> {
    let counter = call.state(|| AtomicI64::new(0))?;
    Ok(counter.fetch_add(1, Ordering::Relaxed) + 1)
}

/// Asks for the session's state as something that it is not.
fn mistakes(call: &Call, _: &ReadVariables) -> Result<String> {
    call.state(|| AtomicI64::new(0))?;
    call.state(String::new).map(|text| text.clone())
}

fn calls(call: &Call, _: &Variables) -> Result<String> {
    let mut text = String::new();
    for _ in 0..3 {
        text += &format!("{} ", call.call("counts", &[])?.get::<i64>()?);
    }
    let (json, vector) = (Json("[1]".into()), vec![1.0, 2.0]);
    let outcome = call.call(
        "kinds",
        &[
            ("text", "called".to_value()),
            ("flag", true.to_value()),
            ("integer", 7.to_value()),
            ("number", 1.0.to_value()),
            ("json", json.to_value()),
            ("vector", vector.to_value()),
        ],
    )?;
    text += outcome.get::<&str>()?;
    match call.call("known", &[]) {
        Ok(_) => text += ", no error",
        Err(error) => {
            text += &format!(", {} {}", error, error.kind);
            text += if error.retryable { " again" } else { "" };
        }
    }
    Ok(text)
}

/// Waits for something else than the host, until it is told of its end.
fn ends(call: &Call, _: &ReadVariables) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    let _listener = call.on_cancel(move |reason| sender.lock().unwrap().send(reason).unwrap())?;
    let reason = receiver.recv().unwrap();
    bridge_plugin::log(Level::Info, if reason == Code::Cancelled { "told" } else { "late" });
    call.check()?;
    Ok("not to end".into())
}

fn answers(call: &Call, _: &ReadVariables) -> Result<String> {
    call.binary(b"beside".to_vec())?;
    call.annotate("mood", "good")?;
    call.log(Level::Warning, "logged");
    Ok(format!(
        "{}{}{}",
        if call.session_id()?.is_empty() { "nobody" } else { "somebody" },
        if call.metadata("nothing")?.is_some() { " with" } else { " without" },
        if call.remaining()?.is_some() { " a deadline" } else { " end" },
    ))
}

/// Threads of the tool's own use its call.
fn threads(call: &Call, variables: &Variables) -> Result<f64> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| variables.update("x", |value: f64| value + 1.0)))
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap().map(|_| ()))
    })?;
    call.check()?;
    variables.get("x")
}

fn bytes(call: &Call, _: &ReadVariables) -> Result<Bytes> {
    let mut bytes: Vec<u8> = call.parameter::<&[u8]>("bytes")?.to_vec();
    bytes.reverse();
    Ok(Bytes(bytes))
}

fn plugin() -> Plugin {
    Plugin::new("wrappers", "1.0")
        .description("All that the crate wraps.")
        .configuration(
            r#"{"type": "object", "properties": {"mode": {"type": "string"}}}"#,
            |json| {
                if json.contains("\"double\"") {
                    FACTOR.store(2, Ordering::Relaxed);
                }
                if json.contains("\"broken\"") {
                    return Err(Error::invalid("such a mode is broken"));
                }
                Ok(())
            },
        )
        .tool(Tool::read_only("known", "Fails as it says.", known))
        .tool(Tool::read_only("other", "Fails as it does not say.", other).serial())
        .tool(Tool::new("nothing", "Answers nothing.", nothing))
        .tool(
            Tool::read_only("kinds", "Takes all types.", kinds)
                .title("Kinds")
                .parameter(Parameter::required::<str>("text", "A text."))
                .parameter(Parameter::default("flag", "A flag.", true))
                .parameter(Parameter::default("integer", "An integer.", 7).constraints(r#"{"max": 10}"#))
                .parameter(Parameter::required::<f64>("number", "A number."))
                .parameter(
                    Parameter::required::<Json>("json", "JSON.")
                        .of_type(Type::ARRAY)
                        .constraints(r#"{"type": "array", "examples": [[1], [1, 2]]}"#),
                )
                .parameter(Parameter::required::<Vec<f64>>("vector", "A vector."))
                .parameter(Parameter::optional::<str>("note", "A note."))
                .idempotent(),
        )
        .tool(
            Tool::read_only("twice", "Doubles.", twice)
                .parameter(Parameter::required::<Tensor>("tensor", "A tensor.")),
        )
        .tool(Tool::read_only("read_embedding", "Reads.", read_embedding).reads(&["vector"]))
        .tool(Tool::new("variables", "Makes variables.", variables).writes(&["made.*"]))
        .tool(Tool::new("watches", "Watches a variable.", watches))
        .tool(Tool::read_only("counts", "Counts calls of a session.", counts))
        .tool(Tool::read_only("mistakes", "Mistakes the state.", mistakes))
        .tool(Tool::new("calls", "Calls other tools.", calls).concurrency(4))
        .tool(Tool::read_only("ends", "Waits for its end.", ends))
        .tool(Tool::read_only("answers", "Answers in all ways.", answers).answers("Who has called."))
        .tool(Tool::new("threads", "Adds in threads.", threads))
        .tool(
            Tool::read_only("bytes", "Turns bytes around.", bytes)
                .parameter(Parameter::required::<Bytes>("bytes", "Bytes.")),
        )
}
bridge_plugin::export!(plugin());
