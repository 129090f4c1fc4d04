# Nothing runs this file. BridgeHost.Snakepit names it as the script of its workers, because Snakepit
# finds processes that a node which died has left by "grpc_server.py" in their command lines.
raise SystemExit("bridge-host is the program; this file only lends it a name")
