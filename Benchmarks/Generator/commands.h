// What a line on standard input can ask for. Each answers with one line of JSON.
#ifndef COMMANDS_H
#define COMMANDS_H

#include "arguments.h"

// calls method=M count=N [first=F] [stride=K] [total=T] [sessions=S] [offset=O] [version=V]
//       [ttl=SECONDS] [concurrency=C] [connection=A] [connections=B] [rate=R] [status=X]
//       [seconds=LIMIT] [path=P request=HEX response=HEX messages=M]
//
// Makes N calls with indexes F, F + K, F + 2K, ... (modulo T), C at a time spread over B connections
// from A, or R a second. Index i stands for the variable v<i / S> of the session s<i % S>, with the
// value i + O. Every answer is checked against that, against the version V and the status X.
// The method `given` has its path, its request, the answer that it must get, and how often that
// comes; without an answer, `answer` tells which came.
void command_calls(const struct arguments *arguments);

// watch streams=N [sessions=S] [name=V] [connection=A] [connections=B] [stall=1]
//
// Opens N watches spread over connections, and waits until each has said `synced`.
void command_watch(const struct arguments *arguments);

// declare [session=S] [name=V] [connection=C]
//
// Registers a variable for strings, unless it is there.
void command_declare(const struct arguments *arguments);

// write count=N [session=S] [name=V] [size=B] [ahead=A] [rate=R] [connection=C] [seconds=S]
//
// Writes numbered values to one variable, at most A versions ahead of the slowest watch that reads,
// and waits until every such watch has seen the last.
void command_write(const struct arguments *arguments);

// resume: reads the connections of stalled watches again.
void command_resume(const struct arguments *arguments);

// unwatch: cancels all watches and waits until they have ended.
void command_unwatch(const struct arguments *arguments);

// watches [wait_ms=T]: how many watches are open, and how many have ended, by status.
void command_watches(const struct arguments *arguments);

#endif
