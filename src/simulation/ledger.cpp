#include "simulation/ledger.h"

#include <fmt/core.h>

#include <algorithm>

namespace selvage::simulation {

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

void Ledger::violated(std::string what) {
    constexpr std::size_t kKept = 8;
    if (violations_.size() < kKept) violations_.push_back(std::move(what));
}

std::uint64_t Ledger::made(const std::string& sender, std::uint64_t body_hash) {
    auto& messages = senders_[sender].messages;
    messages.push_back({body_hash, 0, false});
    return messages.size() - 1;
}

void Ledger::acknowledged(const std::string& sender, std::uint64_t number) {
    Sender& account = senders_[sender];
    Sender::Sent& sent = account.messages.at(number);
    if (sent.acknowledged) return;
    sent.acknowledged = true;
    ++account.acknowledged;
}

void Ledger::arrived(Reader& reader, const std::string& sender, std::uint64_t number, std::uint64_t body_hash) {
    ++reader.seen;
    const auto account = senders_.find(sender);
    if (account == senders_.end() || number >= account->second.messages.size() ||
        account->second.messages[number].attempts == 0)
        return violated(fmt::format("{}: message {} of '{}' was never sent", reader.name, number, sender));
    const Sender::Sent& sent = account->second.messages[number];
    if (sent.body_hash != body_hash)
        violated(fmt::format("{}: message {} of '{}' is not what was sent", reader.name, number, sender));
    auto& times = reader.times[sender];
    if (times.size() <= number) times.resize(number + 1);
    if (++times[number] > sent.attempts && !account->second.forwarded)
        violated(fmt::format("{}: message {} of '{}' is there {} times and was sent {} times", reader.name, number, sender,
                             times[number], sent.attempts));
    std::uint64_t& next = reader.next[sender];
    if (number > next)
        violated(fmt::format("{}: message {} of '{}' came before message {}", reader.name, number, sender, next));
    if (number < next)
        ++reader.repeated;
    else
        next = number + 1;
}

void Ledger::check_complete(const Reader& reader, const std::string& sender) {
    const auto account = senders_.find(sender);
    if (account == senders_.end()) return;
    const auto next = reader.next.find(sender);
    const std::uint64_t seen = next == reader.next.end() ? 0 : next->second;
    const auto& messages = account->second.messages;
    for (std::uint64_t number = seen; number < messages.size(); ++number) {
        if (!messages[number].acknowledged) continue;
        return violated(fmt::format("{}: message {} of '{}' was acknowledged and is lost", reader.name, number, sender));
    }
}

bool Ledger::all_acknowledged() const {
    return std::ranges::all_of(senders_, [](const auto& one) {
        return one.second.acknowledged == one.second.messages.size();
    });
}

}  // namespace selvage::simulation
