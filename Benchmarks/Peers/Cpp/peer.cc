// C++ gRPC (callback API, its defaults), serving what the benchmark calls.
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <string>

#include "grpc/testing/test.grpc.pb.h"

namespace {

using grpc::testing::Empty;
using grpc::testing::SimpleRequest;
using grpc::testing::SimpleResponse;
using grpc::testing::StreamingOutputCallRequest;
using grpc::testing::StreamingOutputCallResponse;

void fill(grpc::testing::Payload *payload, int size) {
  payload->mutable_body()->assign(static_cast<size_t>(size), '\0');
}

// Writes one answer after another: the next when the last has gone out.
class Output final : public grpc::ServerWriteReactor<StreamingOutputCallResponse> {
 public:
  explicit Output(const StreamingOutputCallRequest *request) : request_(request) { Next(); }

  void OnWriteDone(bool ok) override {
    if (ok) {
      Next();
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (written_ == request_->response_parameters_size()) {
      Finish(grpc::Status::OK);
      return;
    }
    fill(response_.mutable_payload(), request_->response_parameters(written_++).size());
    StartWrite(&response_);
  }

  const StreamingOutputCallRequest *request_;
  StreamingOutputCallResponse response_;
  int written_ = 0;
};

class TestService final : public grpc::testing::TestService::CallbackService {
  grpc::ServerUnaryReactor *EmptyCall(grpc::CallbackServerContext *context, const Empty *,
                                      Empty *) override {
    auto *reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerUnaryReactor *UnaryCall(grpc::CallbackServerContext *context,
                                      const SimpleRequest *request,
                                      SimpleResponse *response) override {
    fill(response->mutable_payload(), request->response_size());
    auto *reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerWriteReactor<StreamingOutputCallResponse> *StreamingOutputCall(
      grpc::CallbackServerContext *, const StreamingOutputCallRequest *request) override {
    return new Output(request);
  }
};

}  // namespace

int main() {
  TestService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  auto server = builder.BuildAndStart();
  if (!server) return 1;
  std::printf("GRPC_READY:%d\n", port);
  std::fflush(stdout);
  server->Wait();
}
