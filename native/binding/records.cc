// Makes JavaScript's objects of records by a script that has one function for each shape.
#include "binding/records.h"

#include <algorithm>
#include <map>
#include <memory>

#include "binding/errors.h"

namespace mptcp::binding {
namespace {

// Reads the values of Records in order. The first word of a value is an index into `makers`, whose
// functions for objects call one of `readers` for each property.
constexpr const char* kScript = R"((() => {
  let words, texts, others, makers, at;
  const word = () => words[at++];
  const signed = () => words[at++] | 0;
  const wide = () => {
    const low = words[at++];
    const high = words[at++];
    return high === 0 ? low : high * 4294967296 + low;
  };
  const truth = () => words[at++] === 1;
  const text = () => texts[words[at++]];
  const value = () => makers[words[at++]]();

  const nothing = () => undefined;
  const other = () => others[words[at++]];
  const list = () => {
    const all = [];
    for (let left = words[at++]; left > 0; --left) all.push(value());
    return all;
  };

  const read = (theWords, theTexts, theOthers, theMakers, size) => {
    words = theWords;
    texts = theTexts;
    others = theOthers;
    makers = theMakers;
    at = 0;
    const all = [];
    while (all.length < size) all.push(value());
    texts = others = undefined;
    return all;
  };
  return { read, readers: [word, signed, wide, truth, text, value], makers: [nothing, other, list] };
})())";

// Returns a script such as (word,signed,...)=>()=>({first:word(),second:text()}).
std::string maker_script(const Records::Shape& shape) {
  std::string properties;
  for (size_t i = 0; i < shape.fields.size(); ++i) {
    if (!(shape.present >> i & 1)) continue;
    if (!properties.empty()) properties += ',';
    properties += std::string(shape.fields[i].name) + ':' + shape.fields[i].reader + "()";
  }
  return "(word,signed,wide,truth,text,value)=>()=>({" + properties + "})";
}

// Holds the script's functions of one environment, with which it ends.
class Reader {
 public:
  static Reader& of(Napi::Env env) {
    auto* reader = env.GetInstanceData<Reader>();
    if (reader == nullptr) {
      reader = std::make_unique<Reader>(env).release();
      env.SetInstanceData(reader);
    }
    return *reader;
  }

  explicit Reader(Napi::Env env) : env_(env) {
    const auto script = env.RunScript(kScript).As<Napi::Object>();
    read_ = Napi::Persistent(script.Get("read").As<Napi::Function>());
    keep(script.Get("readers").As<Napi::Array>(), readers_);
    keep(script.Get("makers").As<Napi::Array>(), makers_);
  }

  Napi::Array read(std::initializer_list<napi_value> arguments) {
    return read_.Call(arguments).As<Napi::Array>();
  }

  /// Returns the array of makers for `shapes`, which is kept because the next shapes are mostly
  /// equal.
  napi_value makers(const std::vector<Records::Shape>& shapes) {
    if (made_.IsEmpty() || shapes != shapes_) {
      auto all = Napi::Array::New(env_);
      uint32_t begin = 0;
      for (const auto& maker : makers_) all.Set(begin++, maker.Value());
      for (const auto& shape : shapes) all.Set(begin++, maker(shape));
      made_ = Napi::Persistent(all);
      shapes_ = shapes;
    }
    return made_.Value();
  }

  /// Copies `words` to an array that is reused, since JavaScript has read it when the call returns.
  napi_value words(std::span<const uint32_t> words) {
    if (words.size() > kWordsKept) return fill(Napi::Uint32Array::New(env_, words.size()), words);
    if (words_.IsEmpty()) words_ = Napi::Persistent(Napi::Uint32Array::New(env_, kWordsKept));
    return fill(words_.Value(), words);
  }

 private:
  using Functions = std::vector<Napi::FunctionReference>;

  // Most batches have fewer words.
  static constexpr size_t kWordsKept = 1 << 14;

  static void keep(const Napi::Array& from, Functions& to) {
    for (uint32_t i = 0; i < from.Length(); ++i) {
      to.push_back(Napi::Persistent(from.Get(i).As<Napi::Function>()));
    }
  }

  napi_value maker(const Records::Shape& shape) {
    auto& maker = object_makers_[{shape.type, shape.present}];
    if (maker.IsEmpty()) {
      std::vector<napi_value> readers;
      for (const auto& reader : readers_) readers.push_back(reader.Value());
      const auto make = env_.RunScript(maker_script(shape)).As<Napi::Function>();
      maker = Napi::Persistent(make.Call(readers).As<Napi::Function>());
    }
    return maker.Value();
  }

  static napi_value fill(Napi::Uint32Array array, std::span<const uint32_t> words) {
    std::copy(words.begin(), words.end(), array.Data());
    return array;
  }

  const Napi::Env env_;
  Napi::FunctionReference read_;
  Functions readers_;
  Functions makers_;
  std::map<std::pair<const void*, uint64_t>, Napi::FunctionReference> object_makers_;
  std::vector<Records::Shape> shapes_;
  Napi::Reference<Napi::Array> made_;  // the makers for shapes_
  Napi::Reference<Napi::Uint32Array> words_;
};

}  // namespace

void Records::begin_object(const void* type, uint64_t present, std::span<const Field> fields) {
  const Shape shape = {type, present, fields};
  const auto place = std::find(shapes_.begin(), shapes_.end(), shape) - shapes_.begin();
  if (place == std::ssize(shapes_)) shapes_.push_back(shape);
  put_word(static_cast<uint32_t>(kFirstShape + place));
}

void Records::put_text(std::string_view text) {
  // The same address or number often follows soon.
  constexpr size_t kCompared = 4;
  const size_t oldest = text_ends_.size() - std::min(kCompared, text_ends_.size());
  for (size_t place = text_ends_.size(); place > oldest; --place) {
    if (text_at(place - 1) == text) return put_word(static_cast<uint32_t>(place - 1));
  }
  put_word(static_cast<uint32_t>(text_ends_.size()));
  texts_ += text;
  text_ends_.push_back(texts_.size());
}

void Records::error(const Error& error) { put_other(error); }

void Records::put_other(Other other) {
  put_word(kOther);
  put_word(static_cast<uint32_t>(others_.size()));
  others_.push_back(std::move(other));
}

// Suffices for a few small objects, so that they need one allocation for each vector.
void Records::reserve() {
  shapes_.reserve(4);
  words_.reserve(128);
  texts_.reserve(128);
  text_ends_.reserve(16);
}

std::string_view Records::text_at(size_t place) const {
  const size_t begin = place == 0 ? 0 : text_ends_[place - 1];
  return std::string_view(texts_).substr(begin, text_ends_[place] - begin);
}

Napi::Array Records::to_js(Napi::Env env) const {
  Reader& reader = Reader::of(env);
  auto texts = Napi::Array::New(env, text_ends_.size());
  for (uint32_t i = 0; i < text_ends_.size(); ++i) {
    const Napi::HandleScope scope(env);
    const std::string_view text = text_at(i);
    texts.Set(i, napi_value{Napi::String::New(env, text.data(), text.size())});
  }
  Napi::Value others = env.Undefined();
  if (!others_.empty()) others = others_to_js(env);
  return reader.read({reader.words(words_), texts, others, reader.makers(shapes_),
                      Napi::Number::New(env, static_cast<double>(size_))});
}

Napi::Array Records::others_to_js(Napi::Env env) const {
  auto others = Napi::Array::New(env, others_.size());
  for (uint32_t i = 0; i < others_.size(); ++i) {
    const Napi::HandleScope scope(env);
    if (const auto* error = std::get_if<Error>(&others_[i])) {
      others.Set(i, to_js_error(env, *error).Value());
      continue;
    }
    const auto& bytes = std::get<Bytes>(others_[i]);
    auto array = Napi::Uint8Array::New(env, bytes.size());
    std::memcpy(array.Data(), bytes.data(), bytes.size());
    others.Set(i, array);
  }
  return others;
}

}  // namespace mptcp::binding
