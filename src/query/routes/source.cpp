#include <algorithm>

#include "base/encoding.h"
#include "query/routes/route.h"

namespace selvage::query {

using domain::SystemProperty;

SourcePattern::SourcePattern(std::string_view source) {
    auto text = trim(source);
    while (text.ends_with('*')) text.remove_suffix(1);
    while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
    prefix_ = to_lower(text);
    if (!prefix_.ends_with('/')) prefix_ += '/';
}

bool SourcePattern::matches(std::string_view path) const {
    // The path counts as having one slash at its end; only there may it be one shorter than the prefix.
    if (path.size() + 1 < prefix_.size()) return false;
    const auto common = std::min(path.size(), prefix_.size());
    return equals_ignoring_case(path.substr(0, common), std::string_view(prefix_).substr(0, common));
}

std::string source_path(const domain::Message& message) {
    const auto type = message.get(SystemProperty::message_type);
    if (type && equals_ignoring_case(*type, "twinChangeNotification")) return "/twinChangeNotifications";
    const auto module = message.get(SystemProperty::connection_module_id);
    if (!module) return "/messages";
    std::string path = "/messages/modules/";
    path.append(*module);
    if (const auto output = message.get(SystemProperty::output_name)) path.append("/outputs/").append(*output);
    return path;
}

}  // namespace selvage::query
