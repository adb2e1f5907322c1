// What gathers on the loop while the writer is busy: appends with their bytes, and changes to the queue table.
//
// Flat arrays that are used again and again, so an append costs no allocation of its own. Not thread-safe: the Mailbox of
// writer.h guards the one that is being filled.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/log/catalog.h"
#include "storage/log/message_log.h"

namespace selvage::storage {

struct BatchEntry {
    enum class Task : std::uint8_t { append, refused, flush, stop };
    Task task = Task::append;
    Errc refusal = Errc::internal;     // refused
    std::uint32_t targets = 0;         // append; they follow each other in Batch::targets, as payloads in Batch::payloads
    std::uint32_t payload_bytes = 0;
    std::size_t targets_at = 0;
    std::size_t payload_at = 0;
    Millis enqueued = 0;
    OrderKey order = kNoOrder;
    std::uint64_t refusals_known = 0;  // Completed::refusals of the last batch whose answers were given before this append
};

struct Batch {
    std::vector<BatchEntry> entries;
    std::vector<Target> targets;
    std::string payloads;
    std::vector<MessageLog::Done> dones;                  // one an entry
    std::vector<segment::QueueRow> declared;              // id, name and retention
    std::vector<QueueId> dropped;
    std::unordered_map<QueueId, Offset> cursors;          // the newest of each queue
    std::uint64_t bytes = 0;                              // what all this takes in memory
    Millis now = 0;                                       // the loop's wall clock at the last change

    bool empty() const { return entries.empty() && declared.empty() && dropped.empty() && cursors.empty(); }

    // Keeps the arrays' room unless a burst has made it large.
    void clear() {
        constexpr std::size_t kKeptBytes = 4 << 20;
        if (payloads.capacity() > kKeptBytes) payloads = {};
        if (entries.capacity() * sizeof(BatchEntry) > kKeptBytes) entries = {};
        if (targets.capacity() * sizeof(Target) > kKeptBytes) targets = {};
        entries.clear();
        targets.clear();
        payloads.clear();
        dones.clear();
        declared.clear();
        dropped.clear();
        cursors.clear();
        bytes = 0;
    }
};

// The answers to a batch, in order.
struct Completed {
    static constexpr std::int32_t kDone = -1;
    std::vector<MessageLog::Done> dones;
    std::vector<std::int32_t> outcomes;                   // kDone, or an index into errors
    std::vector<Error> errors;
    std::uint64_t refusals = 0;                           // how many batches up to this one had refusals
};

}  // namespace selvage::storage
