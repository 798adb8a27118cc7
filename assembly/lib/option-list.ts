// The options of a mount, as mount(2) gets them in one text: names and values, "mode=620,gid=5,newinstance".

const COMMA: u32 = 0x2c;
const EQUALS: u32 = 0x3d;

@final
export class OptionList {
  private name: usize = 0;
  private nameLength: u32 = 0;
  private value: usize = 0;
  private valueLength: u32 = 0;
  private readonly end: usize;

  /** Over the `length` bytes at `at`, which stay where they are. */
  constructor(
    private at: usize,
    length: u32,
  ) {
    this.end = at + length;
  }

  /** Goes to the next option. False when there is none. */
  next(): bool {
    while (this.at < this.end && load<u8>(this.at) == <u8>COMMA) this.at++;
    if (this.at >= this.end) return false;
    this.name = this.at;
    while (this.at < this.end && load<u8>(this.at) != <u8>COMMA && load<u8>(this.at) != <u8>EQUALS) this.at++;
    this.nameLength = <u32>(this.at - this.name);
    this.value = 0;
    this.valueLength = 0;
    if (this.at < this.end && load<u8>(this.at) == <u8>EQUALS) {
      this.value = ++this.at;
      while (this.at < this.end && load<u8>(this.at) != <u8>COMMA) this.at++;
      this.valueLength = <u32>(this.at - this.value);
    }
    return true;
  }

  /** Whether the option has that name, ASCII. */
  is(name: string): bool {
    if (<u32>name.length != this.nameLength) return false;
    for (let i: u32 = 0; i < this.nameLength; i++) {
      if (name.charCodeAt(i) != <i32>load<u8>(this.name + i)) return false;
    }
    return true;
  }

  /** Whether the value is that text, ASCII. */
  hasText(text: string): bool {
    if (<u32>text.length != this.valueLength) return false;
    for (let i: u32 = 0; i < this.valueLength; i++) {
      if (text.charCodeAt(i) != <i32>load<u8>(this.value + i)) return false;
    }
    return true;
  }

  get hasValue(): bool {
    return this.value != 0;
  }

  /** The value as a number of that base, at most 32 bits; or -1. */
  number(base: u32): i64 {
    if (this.valueLength == 0 || this.valueLength > 11) return -1;
    let number: i64 = 0;
    for (let i: u32 = 0; i < this.valueLength; i++) {
      const digit = <u32>load<u8>(this.value + i) - 0x30;
      if (digit >= base) return -1;
      number = number * base + digit;
    }
    return number > <i64>u32.MAX_VALUE ? -1 : number;
  }
}
