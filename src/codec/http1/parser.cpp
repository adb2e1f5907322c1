// A machine over a buffer of bytes not used yet. The head is kept until its empty line has come and
// is then parsed at once; body bytes go to `body` as they arrive. Once a message is complete, what
// follows stays in `in` for next().
//
// Lines of the head may end in a bare LF (RFC 9112 2.2 allows it); chunk framing must use CRLF,
// because there a reader that is lenient and one that is strict see different messages.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "codec/http1/head.h"
#include "codec/http1/http1.h"

namespace selvage::codec::http1 {
namespace {

// Size line of a chunk with its extension, which nobody needs.
constexpr std::size_t kChunkLineMax = 4096;

enum class State {
    head,
    length,
    chunk_size,
    chunk_data,
    chunk_end,
    trailers,
    until_close,
    complete,
    failed
};

}  // namespace

struct Parser::Impl {
    Role role;
    Limits limits;
    State state = State::head;
    std::string in;
    std::size_t used = 0;        // bytes at the front of `in` that are done with
    std::size_t line_start = 0;  // of the head's line being looked for
    std::size_t scanned = 0;     // no line end before this
    bool no_body = false;
    Head head;
    bool head_whole = false;
    std::string body;
    std::uint64_t body_total = 0;
    std::uint64_t body_bytes_max = 0;  // of this message
    std::uint64_t remaining = 0;  // of the body, or of the chunk
    std::size_t trailer_bytes = 0;
    Error error;

    std::string_view rest() const { return std::string_view(in).substr(used); }

    // Runs until more bytes are needed or the message is complete.
    Result<> run();
    // One state's step: true when it went on, false when it needs more bytes.
    Result<bool> step();
    Result<bool> step_head();
    Result<bool> step_data(State then);
    Result<bool> step_chunk_size();
    Result<bool> step_chunk_end();
    Result<bool> step_trailers();
    Result<> begin_body(Framing framing, std::uint64_t length);
    Result<> take(std::uint64_t count);
    // The next line that ends in CRLF, without it; null when it has not come whole.
    Result<std::optional<std::string_view>> strict_line(std::size_t bytes_max);
    Result<> broken(Error why);
};

Result<> Parser::Impl::broken(Error why) {
    state = State::failed;
    error = std::move(why);
    in.clear();
    used = 0;
    return fail(error);
}

Result<> Parser::Impl::run() {
    if (state == State::failed) return fail(error);
    while (state != State::complete) {
        auto went_on = step();
        if (!went_on) return broken(std::move(went_on).error());
        if (!*went_on) break;
    }
    in.erase(0, used);
    used = 0;
    return {};
}

Result<bool> Parser::Impl::step() {
    switch (state) {
        case State::head:
            return step_head();
        case State::length:
            return step_data(State::complete);
        case State::chunk_size:
            return step_chunk_size();
        case State::chunk_data:
            return step_data(State::chunk_end);
        case State::chunk_end:
            return step_chunk_end();
        case State::trailers:
            return step_trailers();
        case State::until_close: {
            const auto size = rest().size();
            SELVAGE_CHECK(take(size));
            return false;
        }
        case State::complete:
        case State::failed:
            break;
    }
    return false;
}

Result<bool> Parser::Impl::step_head() {
    // Empty lines in front of a request are skipped (RFC 9112 2.2).
    while (line_start == 0 && (rest().starts_with("\r\n") || rest().starts_with('\n')))
        used += in[used] == '\r' ? 2 : 1;
    if (line_start == 0) {
        in.erase(0, used);
        used = 0;
    }
    for (;;) {
        const auto end = in.find('\n', scanned);
        const auto seen = end == std::string::npos ? in.size() : end + 1;
        if (seen > limits.head_bytes_max)
            return fail(Errc::quota_exceeded,
                        fmt::format("the head has more than {} bytes", limits.head_bytes_max));
        if (end == std::string::npos) {
            scanned = in.size();
            return false;
        }
        const bool empty = end == line_start || (end == line_start + 1 && in[line_start] == '\r');
        line_start = scanned = end + 1;
        if (empty) break;
    }
    SELVAGE_TRY(auto framed, parse_head(role, std::string_view(in).substr(0, line_start), no_body));
    head = std::move(framed.head);
    head_whole = true;
    used = line_start;
    line_start = scanned = 0;
    SELVAGE_CHECK(begin_body(framed.framing, framed.length));
    return true;
}

Result<> Parser::Impl::begin_body(Framing framing, std::uint64_t length) {
    switch (framing) {
        case Framing::none:
            state = State::complete;
            break;
        case Framing::length:
            if (length > body_bytes_max)
                return fail(Errc::message_too_large,
                            fmt::format("the body has {} bytes, at most {} are taken", length,
                                        body_bytes_max));
            remaining = length;
            state = length == 0 ? State::complete : State::length;
            break;
        case Framing::chunked:
            state = State::chunk_size;
            break;
        case Framing::until_close:
            state = State::until_close;
            break;
    }
    return {};
}

Result<> Parser::Impl::take(std::uint64_t count) {
    if (count > body_bytes_max - body_total)
        return fail(Errc::message_too_large,
                    fmt::format("the body has more than {} bytes", body_bytes_max));
    body_total += count;
    body.append(rest().substr(0, static_cast<std::size_t>(count)));
    used += static_cast<std::size_t>(count);
    return {};
}

Result<bool> Parser::Impl::step_data(State then) {
    const auto count = std::min<std::uint64_t>(remaining, rest().size());
    SELVAGE_CHECK(take(count));
    remaining -= count;
    if (remaining != 0) return false;
    state = then;
    return true;
}

Result<std::optional<std::string_view>> Parser::Impl::strict_line(std::size_t bytes_max) {
    const auto end = rest().find('\n');
    if (std::min(end, rest().size()) > bytes_max)
        return fail(Errc::malformed, "a line of the chunked body is too long");
    if (end == std::string_view::npos) return std::nullopt;
    if (end == 0 || rest()[end - 1] != '\r')
        return fail(Errc::malformed, "a line of the chunked body does not end in CRLF");
    const auto line = rest().substr(0, end - 1);
    used += end + 1;
    return line;
}

Result<bool> Parser::Impl::step_chunk_size() {
    SELVAGE_TRY(const auto line, strict_line(kChunkLineMax));
    if (!line) return false;
    SELVAGE_TRY(remaining, parse_chunk_size(*line));
    // Said before its bytes come, so that a sender is not read to the end in vain.
    if (remaining > body_bytes_max - body_total)
        return fail(Errc::message_too_large,
                    fmt::format("the body has more than {} bytes", body_bytes_max));
    state = remaining == 0 ? State::trailers : State::chunk_data;
    return true;
}

Result<bool> Parser::Impl::step_chunk_end() {
    if (rest().size() < 2) {
        if (rest().size() == 1 && rest()[0] != '\r')
            return fail(Errc::malformed, "a chunk does not end where its size says");
        return false;
    }
    if (!rest().starts_with("\r\n"))
        return fail(Errc::malformed, "a chunk does not end where its size says");
    used += 2;
    state = State::chunk_size;
    return true;
}

Result<bool> Parser::Impl::step_trailers() {
    const auto before = used;
    SELVAGE_TRY(const auto line, strict_line(limits.head_bytes_max));
    if (!line) return false;
    trailer_bytes += used - before;
    if (trailer_bytes > limits.head_bytes_max)
        return fail(Errc::quota_exceeded, "the trailer fields are too long");
    if (line->empty()) {
        state = State::complete;
    } else {
        SELVAGE_CHECK(check_field_line(*line));
    }
    return true;
}

Parser::Parser(Role role, Limits limits) : impl_(std::make_unique<Impl>()) {
    impl_->role = role;
    impl_->limits = limits;
    impl_->body_bytes_max = limits.body_bytes_max;
}
Parser::~Parser() = default;

Result<> Parser::feed(std::string_view bytes) {
    if (impl_->state == State::failed) return fail(impl_->error);
    impl_->in.append(bytes);
    return impl_->run();
}

Result<> Parser::finish() {
    switch (impl_->state) {
        case State::failed:
            return fail(impl_->error);
        case State::complete:
            return {};
        case State::until_close:
            impl_->state = State::complete;
            return {};
        case State::head:
            if (impl_->in.empty()) return {};
            return impl_->broken({Errc::malformed, "the connection ended inside the head"});
        default:
            return impl_->broken({Errc::malformed, "the connection ended inside the body"});
    }
}

Result<> Parser::limit_body(std::uint64_t bytes_max) {
    if (impl_->state == State::failed) return fail(impl_->error);
    impl_->body_bytes_max = std::min(bytes_max, impl_->limits.body_bytes_max);
    const bool counted = impl_->state == State::length || impl_->state == State::chunk_data;
    const std::uint64_t room = impl_->body_bytes_max - std::min(impl_->body_bytes_max, impl_->body_total);
    if (impl_->body_total <= impl_->body_bytes_max && (!counted || impl_->remaining <= room)) return {};
    return impl_->broken(
        {Errc::message_too_large, fmt::format("the body has more than {} bytes", impl_->body_bytes_max)});
}

void Parser::expect_no_body() {
    impl_->no_body = true;
}

bool Parser::begun() const {
    return impl_->head_whole || !impl_->in.empty();
}

const Head* Parser::head() const {
    return impl_->head_whole ? &impl_->head : nullptr;
}

std::string Parser::take_body() {
    return std::exchange(impl_->body, {});
}

bool Parser::complete() const {
    return impl_->state == State::complete;
}

Result<> Parser::next() {
    SELVAGE_ASSERT(complete());
    // An interim answer (100 Continue) precedes the one that expect_no_body() speaks of.
    const bool interim = impl_->head.status >= 100 && impl_->head.status < 200;
    if (!interim) impl_->no_body = false;
    impl_->state = State::head;
    impl_->head = {};
    impl_->head_whole = false;
    impl_->body.clear();
    impl_->body_total = 0;
    impl_->body_bytes_max = impl_->limits.body_bytes_max;
    impl_->remaining = 0;
    impl_->trailer_bytes = 0;
    return impl_->run();
}

std::string Parser::take_rest() {
    return std::exchange(impl_->in, {});
}

}  // namespace selvage::codec::http1
