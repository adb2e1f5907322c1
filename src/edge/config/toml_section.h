// One table of a TOML document, read with errors that name line and key. Private to this folder (it pulls the parser in).
#pragma once

#include <fmt/core.h>

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "third_party/toml.h"

namespace selvage::edge::config {

class TomlSection {
public:
    TomlSection(const toml::table& table, std::string path) : table_(&table), path_(std::move(path)) {}

    bool has(std::string_view key) const { return table_->contains(key); }
    std::string key_path(std::string_view key) const { return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key); }
    std::string where() const { return fmt::format("line {}", table_->source().begin.line); }

    // An error about `key`, with the line of its value, or of the table when it is missing.
    Error error(Errc code, std::string_view key, std::string_view rule) const {
        const toml::node* node = table_->get(key);
        const auto line = (node != nullptr ? node->source() : table_->source()).begin.line;
        return {code, line == 0 ? fmt::format("{} {}", key_path(key), rule)
                                : fmt::format("line {}: {} {}", line, key_path(key), rule)};
    }

    Result<std::string> text(std::string_view key, std::string_view otherwise = {}) const {
        const toml::node* node = table_->get(key);
        if (node == nullptr) return std::string(otherwise);
        if (!node->is_string()) return fail(error(Errc::malformed, key, "must be a string in quotes"));
        return node->as_string()->get();
    }
    Result<std::string> required_text(std::string_view key) const {
        SELVAGE_TRY(std::string value, text(key));
        if (value.empty()) return fail(error(Errc::invalid_argument, key, "is missing or empty"));
        return value;
    }
    Result<bool> flag(std::string_view key, bool otherwise) const {
        const toml::node* node = table_->get(key);
        if (node == nullptr) return otherwise;
        if (!node->is_boolean()) return fail(error(Errc::malformed, key, "must be true or false"));
        return node->as_boolean()->get();
    }
    Result<std::int64_t> integer(std::string_view key, std::int64_t otherwise, std::int64_t least, std::int64_t most) const {
        const toml::node* node = table_->get(key);
        if (node == nullptr) return otherwise;
        if (!node->is_integer()) return fail(error(Errc::malformed, key, "must be a whole number"));
        const std::int64_t value = node->as_integer()->get();
        if (value < least || value > most)
            return fail(error(Errc::invalid_argument, key, fmt::format("must be from {} to {}", least, most)));
        return value;
    }
    // A table inside this one; nothing when absent.
    Result<std::optional<TomlSection>> table(std::string_view key) const {
        const toml::node* node = table_->get(key);
        if (node == nullptr) return std::optional<TomlSection>();
        if (!node->is_table()) return fail(error(Errc::malformed, key, "must be a table"));
        return std::optional<TomlSection>(std::in_place, *node->as_table(), key_path(key));
    }
    const toml::table& raw() const { return *table_; }

private:
    const toml::table* table_;
    std::string path_;
};

// TOML as the JSON of the same shape; dates become their text.
Json to_json(const toml::node& node);

Result<toml::table> parse_toml(std::string_view text);

}  // namespace selvage::edge::config
