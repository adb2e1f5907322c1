#include "simulation/ledger.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

namespace selvage::simulation {

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    const auto mix = [&hash](std::uint64_t word) {
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 29;
    };
    mix(text.size());
    for (; text.size() >= 8; text.remove_prefix(8)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data(), 8);
        mix(word);
    }
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), text.size());
    mix(word);
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
    const auto overtaken = [&account](std::uint64_t from, std::uint64_t to) {
        if (!account->second.refusable) return from < to;
        const auto& messages = account->second.messages;
        return std::any_of(messages.begin() + static_cast<std::ptrdiff_t>(from),
                           messages.begin() + static_cast<std::ptrdiff_t>(to),
                           [](const Sender::Sent& one) { return one.acknowledged; });
    };
    if (number > next && overtaken(next, number))
        violated(fmt::format("{}: message {} of '{}' came before message {}", reader.name, number, sender, next));
    if (number < next)
        ++reader.repeated;
    else
        next = number + 1;
}

std::optional<std::uint64_t> Ledger::first_missing(const Reader& reader, const std::string& sender) const {
    const auto account = senders_.find(sender);
    if (account == senders_.end()) return std::nullopt;
    const auto seen = reader.times.find(sender);
    const auto& messages = account->second.messages;
    for (std::uint64_t number = 0; number < messages.size(); ++number) {
        const bool came = seen != reader.times.end() && number < seen->second.size() && seen->second[number] > 0;
        if (messages[number].acknowledged && !came) return number;
    }
    return std::nullopt;
}

void Ledger::check_complete(const Reader& reader, const std::string& sender) {
    if (const auto missing = first_missing(reader, sender))
        violated(fmt::format("{}: message {} of '{}' was acknowledged and is lost", reader.name, *missing, sender));
}

}  // namespace selvage::simulation
