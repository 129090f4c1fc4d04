"""Checks what concurrent clients of a host saw against what the host promises.

    operations      what a client asked and was answered, with the time it took
    model           what a session does when operations come one after another
    linearizability whether one order of the operations explains every answer (Wing and Gong)
    log             the committed changes, and whether answers agree with their revisions
    streams         whether a watch reported the log: in order, once, without gaps
    clients         random operations over the wire
    watchers        watches over the wire: slow, killed, resuming
    rounds          a few hundred of both against a host, and everything that was wrong with them
"""
