// Randomness as a dependency, so that a simulation can repeat itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace selvage {

class Random {
public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::byte> bytes) = 0;

    std::uint64_t next();
    // Uniform in [0, 1).
    double fraction();
    // A version 4 GUID in lower case with hyphens.
    std::string guid();
};

// The kernel's generator; fit for keys. Safe from any thread.
class SystemRandom final : public Random {
public:
    void fill(std::span<std::byte> bytes) override;
};

// The same bytes for the same seed; for tests and simulation, never for keys. One thread.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    void fill(std::span<std::byte> bytes) override;

private:
    std::uint64_t state_;
};

}  // namespace selvage
