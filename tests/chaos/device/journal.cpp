#include "device/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <utility>

#include "base/file.h"

namespace selvage::chaos {

constexpr std::size_t kJournalBytesMax = 1 << 30;

void Progress::acknowledge(std::uint64_t number) {
    if (number <= acknowledged) return;
    beyond.insert(number);
    while (beyond.erase(acknowledged + 1) != 0) ++acknowledged;
}

Result<Journal> Journal::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return fail(from_errno("open " + path, errno));
    Journal journal(fd);
    SELVAGE_TRY(const auto text, read_file(path, kJournalBytesMax));
    std::string_view rest = text;
    for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
        journal.read_line(rest.substr(0, end));
        rest.remove_prefix(end + 1);
    }
    return journal;
}

Journal::Journal(Journal&& other) noexcept : fd_(std::exchange(other.fd_, -1)), progress_(std::move(other.progress_)) {}

Journal::~Journal() {
    if (fd_ >= 0) ::close(fd_);
}

void Journal::read_line(std::string_view line) {
    if (!line.starts_with("A ")) return;
    line.remove_prefix(2);
    const auto space = line.find(' ');
    if (space == line.npos) return;
    std::uint64_t number = 0;
    std::from_chars(line.data() + space + 1, line.data() + line.size(), number);
    progress_[std::string(line.substr(0, space))].acknowledge(number);
}

void Journal::write(char kind, std::string_view id, std::string_view text) {
    std::string line{kind, ' '};
    line.append(id).append(1, ' ').append(text).append(1, '\n');
    // A promise that cannot be written down must not be given or believed.
    if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
}

Progress Journal::progress(const std::string& id) const {
    const auto found = progress_.find(id);
    return found == progress_.end() ? Progress{} : found->second;
}

}  // namespace selvage::chaos
