// Only what this one document can hold: a root, three kinds of elements with text, space and comments between them.
#include "heads/blob/block_list.h"

#include <fmt/core.h>

#include "base/encoding.h"

namespace selvage::heads::blob {

namespace {

constexpr std::size_t kIdBytesMax = 64;

std::unexpected<Error> broken() { return fail(Errc::malformed, "the body is no list of blocks"); }

class Text {
public:
    explicit Text(std::string_view text) : rest_(text) {}

    bool take(std::string_view literal) {
        if (!rest_.starts_with(literal)) return false;
        rest_.remove_prefix(literal.size());
        return true;
    }
    // What stands before `end`, which is taken too. Nothing: it does not come.
    std::optional<std::string_view> until(std::string_view end) {
        const auto at = rest_.find(end);
        if (at == std::string_view::npos) return std::nullopt;
        const auto before = rest_.substr(0, at);
        rest_.remove_prefix(at + end.size());
        return before;
    }
    // White space, comments and declarations.
    bool skip() {
        for (;;) {
            const auto next = rest_.find_first_not_of(" \t\r\n");
            rest_.remove_prefix(std::min(next, rest_.size()));
            if (take("<?")) {
                if (!until("?>")) return false;
            } else if (take("<!--")) {
                if (!until("-->")) return false;
            } else {
                return true;
            }
        }
    }
    bool empty() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

}  // namespace

Result<std::string> read_block_id(std::string_view text) {
    auto id = from_base64(trim(text));
    if (!id || id->empty() || id->size() > kIdBytesMax) {
        return fail(Errc::invalid_argument, fmt::format("a block id is the base64 of 1 to {} bytes", kIdBytesMax));
    }
    return id;
}

Result<std::vector<std::string>> read_block_list(std::string_view xml) {
    Text text(xml);
    text.take("\xEF\xBB\xBF");
    if (!text.skip() || !text.take("<BlockList")) return broken();
    const auto attributes = text.until(">");
    if (!attributes) return broken();
    std::vector<std::string> blocks;
    if (attributes->ends_with('/')) {
        if (!text.skip() || !text.empty()) return broken();
        return blocks;
    }
    for (;;) {
        if (!text.skip()) return broken();
        if (text.take("</BlockList>")) break;
        if (text.take("<Committed>")) {
            return fail(Errc::not_found, "blocks of the file that is there cannot be used again");
        }
        const bool latest = text.take("<Latest>");
        if (!latest && !text.take("<Uncommitted>")) return broken();
        const auto id = text.until(latest ? "</Latest>" : "</Uncommitted>");
        if (!id || id->find('<') != std::string_view::npos) return broken();
        if (blocks.size() == kBlocksMax) return fail(Errc::invalid_argument, fmt::format("at most {} blocks", kBlocksMax));
        SELVAGE_TRY(auto block, read_block_id(*id));
        blocks.push_back(std::move(block));
    }
    if (!text.skip() || !text.empty()) return broken();
    return blocks;
}

}  // namespace selvage::heads::blob
