// How long things took: counts in buckets of about three per cent width, from a microsecond up. Merging is adding.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

namespace selvage::bench {

class Latencies {
public:
    void add(std::chrono::nanoseconds time) {
        const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count() / 1000, 0));
        ++buckets_[bucket_of(micros)];
        ++count_;
        longest_ = std::max(longest_, micros);
    }
    void merge(const Latencies& other) {
        for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
        count_ += other.count_;
        longest_ = std::max(longest_, other.longest_);
    }
    std::uint64_t count() const { return count_; }
    double longest_ms() const { return static_cast<double>(longest_) / 1000; }
    // The time that the given part (0.99) did not exceed, in milliseconds; 0 when nothing was counted.
    double percentile_ms(double part) const {
        auto left = static_cast<std::uint64_t>(part * static_cast<double>(count_));
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            if (buckets_[i] > left) return std::min(static_cast<double>(highest_of(i)), static_cast<double>(longest_)) / 1000;
            left -= buckets_[i];
        }
        return longest_ms();
    }

private:
    static constexpr unsigned kBits = 5;    // 32 buckets an octave

    static std::size_t bucket_of(std::uint64_t micros) {
        if (micros < (1u << kBits)) return micros;
        const auto octave = static_cast<unsigned>(std::bit_width(micros)) - kBits;    // from 1
        const auto within = (micros >> (octave - 1)) - (1u << (kBits - 1)) * 2;
        return std::min<std::size_t>((std::size_t{octave} << kBits) + within, kBuckets - 1);
    }
    static std::uint64_t highest_of(std::size_t bucket) {
        if (bucket < (1u << kBits)) return bucket;
        const auto octave = bucket >> kBits;
        const auto within = bucket & ((1u << kBits) - 1);
        return ((within + (1u << kBits) + 1) << (octave - 1)) - 1;
    }
    static constexpr std::size_t kBuckets = (64 - kBits + 1) << kBits;

    std::array<std::uint64_t, kBuckets> buckets_{};
    std::uint64_t count_ = 0;
    std::uint64_t longest_ = 0;
};

}  // namespace selvage::bench
