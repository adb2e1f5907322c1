// HTTP/1.1 messages out of bytes. Hides the parser that does the work; no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace selvage::codec::http1 {

struct Head {
    // Requests: method and target. Responses: status and reason.
    std::string method;
    std::string target;
    int status = 0;
    std::string reason;
    int minor_version = 1;                     // HTTP/1.0 or HTTP/1.1
    std::vector<std::pair<std::string, std::string>> fields;
    bool keep_alive = true;
    bool upgrade = false;                      // Connection names Upgrade, and an Upgrade field is there
    bool expect_continue = false;
};

struct Limits {
    std::size_t head_bytes_max = 64 * 1024;
    std::uint64_t body_bytes_max = 8 << 20;
};

// Takes one message apart, then the next (pipelining: bytes that belong to the next message are kept).
class Parser {
public:
    enum class Role { requests, responses };
    Parser(Role role, Limits limits);
    ~Parser();

    // Adds bytes. Errors: malformed; quota_exceeded (head too large), message_too_large (body). After an error every call
    // fails in the same way.
    Result<> feed(std::string_view bytes);
    // The peer ended its side: completes a body without a length. Errors: malformed when the message is cut short. An end
    // before the first byte of a message is none.
    Result<> finish();

    // Bounds the body of the current message more tightly than the limits do; once its head has come. Errors:
    // message_too_large (it is larger already, or says that it will be).
    Result<> limit_body(std::uint64_t bytes_max);

    // For responses: the request was HEAD, so no body follows.
    void expect_no_body();

    bool begun() const;                        // bytes of the current message have come
    const Head* head() const;                  // null until the head has come whole
    // Body bytes that have come since the last call (decoded from chunks).
    std::string take_body();
    bool complete() const;
    // Goes on to the next message; only when complete(). Feeds it what was kept.
    Result<> next();
    // Bytes behind an upgrade request: the other protocol's first bytes.
    std::string take_rest();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace selvage::codec::http1
