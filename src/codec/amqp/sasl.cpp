// header → (SASL header) mechanisms → init → [challenge → response] → outcome → header again → engine.
// A client that wants no SASL sends the plain header at once; whatever else comes first gets the SASL header, which says
// what is spoken here, and the connection ends.
#include "codec/amqp/sasl.h"

#include <array>
#include <span>

#include "codec/amqp/wire.h"

namespace selvage::codec::amqp {
namespace {

constexpr std::string_view kPlainHeader{"AMQP\0\1\0\0", 8};
constexpr std::string_view kSaslHeader{"AMQP\3\1\0\0", 8};

// OASIS AMQP 1.0, part 5, section 5.3.3.
constexpr std::uint64_t kMechanisms = 0x40, kInit = 0x41, kChallenge = 0x42, kResponse = 0x43, kOutcome = 0x44;
constexpr std::uint8_t kOutcomeOk = 0, kOutcomeAuth = 1;
constexpr std::size_t kFrameHeaderBytes = 8;
constexpr char kSaslFrameType = 1;

// MSSBCBS is what one SDK asks for, and it gives up when its own mechanism is not listed. docs/wire/amqp.md#opening
constexpr std::array<std::string_view, 4> kNames = {"ANONYMOUS", "PLAIN", "EXTERNAL", "MSSBCBS"};

void append_frame(std::string& out, std::uint64_t code, std::uint32_t fields, std::string_view items) {
    std::string body;
    Writer writer(body);
    writer.descriptor(code);
    writer.list(fields, items);
    const auto size = body.size() + kFrameHeaderBytes;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xff);
    out += '\2';   // the header is two words long
    out += kSaslFrameType;
    out.append(2, '\0');
    out += body;
}

std::size_t frame_size(std::string_view bytes) {
    std::size_t size = 0;
    for (const char c : bytes.substr(0, 4)) size = size << 8 | static_cast<unsigned char>(c);
    return size;
}

}  // namespace

std::string SaslServer::take_output() { return std::exchange(output_, {}); }
std::string SaslServer::take_rest() { return std::exchange(held_, {}); }

SaslServer::Step SaslServer::end(std::string reason) {
    state_ = State::done;
    reason_ = std::move(reason);
    std::string().swap(held_);
    return Step::over;
}

SaslServer::Step SaslServer::receive(std::string_view bytes) {
    if (state_ == State::done) return Step::over;
    held_ += bytes;
    return advance();
}

SaslServer::Step SaslServer::advance() {
    switch (state_) {
        case State::header:
        case State::plain_header: return take_header();
        case State::init:
        case State::response: return take_frame();
        case State::deciding: return held_.size() > kSaslFrameBytesMax ? end("bytes behind the SASL response") : Step::decide;
        case State::done: break;
    }
    return Step::over;
}

SaslServer::Step SaslServer::take_header() {
    const bool sasl_possible = state_ == State::header;
    const std::string_view first = std::string_view(held_).substr(0, kPlainHeader.size());
    if (kPlainHeader.starts_with(first) || (sasl_possible && kSaslHeader.starts_with(first))) {
        if (first.size() < kPlainHeader.size()) return Step::wait;
    } else {
        output_ += sasl_possible ? kSaslHeader : kPlainHeader;
        return end("the first bytes are no AMQP 1.0 protocol header");
    }
    if (first == kPlainHeader) {
        state_ = State::done;
        return Step::ready;
    }
    held_.erase(0, kSaslHeader.size());
    output_ += kSaslHeader;
    std::string items;
    Writer(items).symbols(kNames.data(), kNames.size());
    append_frame(output_, kMechanisms, 1, items);
    state_ = State::init;
    return take_frame();
}

SaslServer::Step SaslServer::take_frame() {
    if (held_.size() < 4) return Step::wait;
    const auto size = frame_size(held_);
    if (size < kFrameHeaderBytes || size > kSaslFrameBytesMax) return end("a SASL frame of a bad size");
    if (held_.size() < size) return Step::wait;
    const std::string frame = held_.substr(0, size);
    held_.erase(0, size);
    const std::size_t offset = static_cast<unsigned char>(frame[4]) * std::size_t{4};
    if (offset < kFrameHeaderBytes || offset > size || frame[5] != kSaslFrameType) return end("a frame that is not SASL's");
    const auto performative = std::string_view(frame).substr(offset);
    Reader checked(performative);
    if (!checked.check() || !checked.at_end()) return end("a malformed SASL frame");
    return state_ == State::init ? take_init(performative) : take_response(performative);
}

SaslServer::Step SaslServer::take_init(std::string_view performative) {
    Reader reader(performative);
    const auto code = reader.descriptor();
    auto fields = reader.list();
    if (reader.failed() || code != kInit || fields.count == 0) return end("the first SASL frame is not sasl-init");
    const Value mechanism = fields.items.value();
    const std::string* name = as_text(mechanism);
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (name == nullptr || *name != kNames[i]) continue;
        choice_ = {.mechanism = static_cast<Mechanism>(i), .user = {}, .password = {}};
        if (choice_.mechanism != Mechanism::plain) {
            state_ = State::deciding;
            return advance();
        }
        const bool has_response = fields.count > 1 && fields.items.next_is_binary();
        if (has_response) return take_plain(fields.items.binary());
        std::string items;
        Writer(items).binary({});
        append_frame(output_, kChallenge, 1, items);
        state_ = State::response;
        return take_frame();
    }
    state_ = State::deciding;
    return refuse();
}

SaslServer::Step SaslServer::take_response(std::string_view performative) {
    Reader reader(performative);
    const auto code = reader.descriptor();
    auto fields = reader.list();
    const auto response = fields.items.binary();
    if (reader.failed() || fields.items.failed() || code != kResponse) return end("a SASL frame that is not sasl-response");
    return take_plain(response);
}

// RFC 4616: authorization id, NUL, user, NUL, password.
SaslServer::Step SaslServer::take_plain(std::string_view response) {
    state_ = State::deciding;
    const auto first = response.find('\0');
    const auto second = first == std::string_view::npos ? first : response.find('\0', first + 1);
    if (second == std::string_view::npos) return refuse();
    choice_.user = response.substr(first + 1, second - first - 1);
    choice_.password = response.substr(second + 1);
    return advance();
}

SaslServer::Step SaslServer::accept() {
    SELVAGE_ASSERT(state_ == State::deciding);
    std::string items;
    Writer(items).ubyte(kOutcomeOk);
    append_frame(output_, kOutcome, 1, items);
    choice_ = {};
    state_ = State::plain_header;
    return take_header();
}

SaslServer::Step SaslServer::refuse() {
    SELVAGE_ASSERT(state_ == State::deciding);
    std::string items;
    Writer(items).ubyte(kOutcomeAuth);
    append_frame(output_, kOutcome, 1, items);
    choice_ = {};
    return end("SASL authentication failed");
}

}  // namespace selvage::codec::amqp
