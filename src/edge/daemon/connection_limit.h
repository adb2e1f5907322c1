// How many connections each user has open on one socket. Runs on: one loop.
#pragma once

#include <map>

namespace selvage::edge::daemon {

class ConnectionLimit {
public:
    explicit ConnectionLimit(unsigned most) : most_(most) {}

    // One connection's place, for as long as it lives.
    class Place {
    public:
        Place(ConnectionLimit& limit, int uid) : limit_(limit), uid_(uid), granted_(++limit.open_[uid] <= limit.most_) {}
        ~Place() {
            if (--limit_.open_[uid_] == 0) limit_.open_.erase(uid_);
        }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        // False: this user has as many as it may; close without a word, as Azure's daemon does.
        bool granted() const { return granted_; }

    private:
        ConnectionLimit& limit_;
        int uid_;
        bool granted_;
    };

private:
    unsigned most_;
    std::map<int, unsigned> open_;
};

}  // namespace selvage::edge::daemon
