/** C types of a struct's fields, in order. */
type Fields = Readonly<Record<string, string>>;

/** What differs between the versions of llama.cpp that we run on; a struct that is laid out otherwise would be garbage. */
export interface RuntimeVersion {
  /** As `llama_version()` begins. */
  version: string;
  /** Structs that are passed by value (llama.h). */
  structs: Readonly<Record<'modelParams' | 'contextParams' | 'batch' | 'samplerChainParams', Fields>>;
  /** Which function demands a precision of an attention's sums: `(tensor, enum ggml_prec)` (ggml.h). */
  precisionSymbol: string;
}
