// The server's side of a connection's first bytes: which protocol is spoken, and SASL if it is asked for.
//
// A sans-I/O step in front of the engine: bytes in, bytes out. Holds one frame at most, and nothing once it is done.
// Wire: docs/wire/amqp.md#opening; OASIS AMQP 1.0, part 2, section 2.2 (headers) and part 5, section 5.3 (SASL).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage::codec::amqp {

// The longest SASL frame: a PLAIN response holds a SAS token.
inline constexpr std::size_t kSaslFrameBytesMax = 16 * 1024;

enum class Mechanism { anonymous, plain, external, mssbcbs };

struct SaslChoice {
    Mechanism mechanism = Mechanism::anonymous;
    std::string user;       // PLAIN only
    std::string password;   // PLAIN only; secret
};

class SaslServer {
public:
    enum class Step {
        wait,          // for more bytes
        decide,        // choice() is set: call accept() or refuse()
        ready,         // take_rest() belongs to the engine, protocol header first
        over,          // write take_output(), then close
    };

    // Takes what has arrived. After `decide` and until the decision it only keeps (one frame's worth).
    Step receive(std::string_view bytes);
    Step accept();
    Step refuse();

    const SaslChoice& choice() const { return choice_; }
    // What is to be written now.
    std::string take_output();
    std::string take_rest();
    // Why the connection is over; for the log.
    const std::string& reason() const { return reason_; }

private:
    enum class State { header, init, response, deciding, plain_header, done };
    Step advance();
    Step take_header();
    Step take_frame();
    Step take_init(std::string_view performative);
    Step take_response(std::string_view performative);
    Step take_plain(std::string_view response);
    Step end(std::string reason);

    State state_ = State::header;
    std::string held_;
    std::string output_;
    SaslChoice choice_;
    std::string reason_;
};

}  // namespace selvage::codec::amqp
