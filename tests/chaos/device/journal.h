// What a sender said and was told, in a file that outlives it: a line an entry, written before anything follows from it.
//
//   S id n       number n is about to be sent (again)
//   A id n       n was acknowledged: from here on it must not be lost
//   C id text    a C2D message arrived (written before it is acknowledged)
//   D id n       the desired property "n" is known
//   P id n       the reported property "seen" was taken with this value
//   L id 0|1     the connection is lost, is there
//
// Each line is one write(): what is in the file survives kill -9 of the writer.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage::chaos {

// How far one sender is.
struct Progress {
    std::uint64_t acknowledged = 0;              // all up to this one
    std::set<std::uint64_t> beyond;              // acknowledged, with some before them that are not
    void acknowledge(std::uint64_t number);
};

class Journal {
public:
    // Reads what an earlier life wrote. Errors: io_error.
    static Result<Journal> open(const std::string& path);
    Journal(Journal&& other) noexcept;
    Journal& operator=(Journal&&) = delete;
    ~Journal();

    void write(char kind, std::string_view id, std::string_view text);
    void write(char kind, std::string_view id, std::uint64_t number) { write(kind, id, std::to_string(number)); }
    Progress progress(const std::string& id) const;

private:
    explicit Journal(int fd) : fd_(fd) {}
    void read_line(std::string_view line);

    int fd_;
    std::map<std::string, Progress> progress_;
};

}  // namespace selvage::chaos
