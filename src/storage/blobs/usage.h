// How much room uploaded files take, and who has it. Private to the room. Runs on: the store's loop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"

namespace selvage::storage::blobs {

// What a file of that size takes: whole blocks of the disk, and one for its name, so that empty files have a price too.
constexpr std::uint64_t price_of(std::uint64_t bytes) {
    constexpr std::uint64_t kBlock = 4096;
    return (bytes / kBlock + 2) * kBlock;
}

class Usage {
public:
    Usage(std::uint64_t owner_max, std::uint64_t total_max) : owner_max_(owner_max), total_max_(total_max) {}

    // Errors: quota_exceeded.
    Result<> take(const std::string& owner, std::uint64_t price) {
        if (total_ > total_max_ || price > total_max_ - total_) {
            return fail(Errc::quota_exceeded, "the storage of this hub is full; an operator has to make room");
        }
        const auto found = owners_.find(owner);
        const std::uint64_t has = found == owners_.end() ? 0 : found->second;
        if (has > owner_max_ || price > owner_max_ - has) {
            return fail(Errc::quota_exceeded, "this device has as many bytes in storage as it may");
        }
        add(owner, price);
        return {};
    }
    // What is there already, whatever the bounds.
    void add(const std::string& owner, std::uint64_t price) {
        owners_[owner] += price;
        total_ += price;
    }
    void give_back(const std::string& owner, std::uint64_t price) {
        const auto found = owners_.find(owner);
        if (found == owners_.end()) return;
        const auto most = std::min(price, found->second);
        total_ -= most;
        found->second -= most;
        if (found->second == 0) owners_.erase(found);
    }
    std::uint64_t total() const { return total_; }

private:
    std::uint64_t owner_max_;
    std::uint64_t total_max_;
    std::uint64_t total_ = 0;
    std::map<std::string, std::uint64_t> owners_;
};

// Room that is given back unless it is kept.
class Room {
public:
    static Result<Room> take(std::shared_ptr<Usage> usage, std::string owner, std::uint64_t price) {
        SELVAGE_CHECK(usage->take(owner, price));
        return Room(std::move(usage), std::move(owner), price);
    }
    Room(Room&&) = default;
    Room& operator=(Room&&) = delete;
    ~Room() {
        if (usage_) usage_->give_back(owner_, price_);
    }
    // For good. `freed` is what went in exchange.
    void keep(std::uint64_t freed) {
        usage_->give_back(owner_, freed);
        usage_.reset();
    }

private:
    Room(std::shared_ptr<Usage> usage, std::string owner, std::uint64_t price)
        : usage_(std::move(usage)), owner_(std::move(owner)), price_(price) {}
    std::shared_ptr<Usage> usage_;
    std::string owner_;
    std::uint64_t price_;
};

}  // namespace selvage::storage::blobs
