// What was promised to whom, and whether it was kept.
//
// Devices write down what they made, sent and had acknowledged; the world writes down what it reads in the cloud hub's event
// log and at module inputs. Checked at every entry: nothing arrives that was not sent, no sender's message overtakes another,
// a body is what was sent. Checked when asked: everything acknowledged has arrived. Kept in memory; plain objects.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace selvage::simulation {

class Ledger {
public:
    // One sender's messages, numbered 0, 1, 2, … in the order in which they were made.
    struct Sender {
        struct Sent {
            std::uint64_t body_hash = 0;
            std::uint32_t attempts = 0;
            bool acknowledged = false;
        };
        std::vector<Sent> messages;
        std::uint64_t acknowledged = 0;
        // Somebody in between forwards its messages, and may repeat them: they may come more often than it sent them.
        bool forwarded = false;
        // What was refused is not sent again: it may be missing, and others come in front of it.
        bool refusable = false;
    };
    // One reader's view of the senders: how far each has come, and how often things were repeated.
    struct Reader {
        std::string name;
        std::map<std::string, std::uint64_t> next;    // the first number not yet seen, by sender
        std::uint64_t seen = 0;
        std::uint64_t repeated = 0;
        std::map<std::string, std::vector<std::uint32_t>> times;
    };

    void forwarded(const std::string& sender) { senders_[sender].forwarded = true; }
    void refusable(const std::string& sender) { senders_[sender].refusable = true; }
    std::uint64_t made(const std::string& sender, std::uint64_t body_hash);
    void attempted(const std::string& sender, std::uint64_t number) { ++senders_[sender].messages.at(number).attempts; }
    void acknowledged(const std::string& sender, std::uint64_t number);
    void arrived(Reader& reader, const std::string& sender, std::uint64_t number, std::uint64_t body_hash);

    // Everything that `sender` has an acknowledgement for has been seen by the reader. The number of the first that has not.
    std::optional<std::uint64_t> first_missing(const Reader& reader, const std::string& sender) const;
    void check_complete(const Reader& reader, const std::string& sender);

    const std::map<std::string, Sender>& senders() const { return senders_; }

    // A promise was broken: `what` for a person. The first few are kept.
    void violated(std::string what);
    const std::vector<std::string>& violations() const { return violations_; }

private:
    std::map<std::string, Sender> senders_;
    std::vector<std::string> violations_;
};

std::uint64_t hash_of(std::string_view text);

}  // namespace selvage::simulation
