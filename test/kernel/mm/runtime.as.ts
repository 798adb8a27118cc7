import { free, RefCounted } from "../../../assembly/lib/ref-counted.ts";
import { isError } from "../../../assembly/lib/result.ts";
import { beginHeap, end } from "../support/leak-check.ts";

interface Named {
  name(): u32;
}

abstract class Animal {
  legs: u32 = 4;
  abstract sound(): u32;
  describe(): u32 {
    return this.sound() * 10 + this.legs;
  }
}

class Dog extends Animal implements Named {
  sound(): u32 {
    return 1;
  }
  name(): u32 {
    return 100;
  }
}

class Puppy extends Dog {
  age: i64 = -3;
  override sound(): u32 {
    return 2;
  }
}

class Bird extends Animal implements Named {
  constructor() {
    super();
    this.legs = 2;
  }
  sound(): u32 {
    return 3;
  }
  name(): u32 {
    return 200;
  }
}

function nameOf(named: Named): u32 {
  return named.name();
}

let destroyed: u32 = 0;

class Counted extends RefCounted {
  constructor(readonly inner: Counted | null) {
    super();
  }
  destroy(): void {
    destroyed++;
    const inner = this.inner;
    if (inner !== null) inner.decRef();
  }
}

export function fieldsHaveTheirInitialValues(): void {
  beginHeap();
  const puppy = new Puppy();
  assert(puppy.legs == 4 && puppy.age == -3, "initialised");
  free(puppy);
  end();
}

export function virtualMethodsAreFoundByTheObject(): void {
  beginHeap();
  const dog: Animal = new Dog();
  const puppy: Animal = new Puppy();
  const bird: Animal = new Bird();
  assert(dog.describe() == 14, "the class's own");
  assert(puppy.describe() == 24, "the subclass's");
  assert(bird.describe() == 32, "another subclass's");
  free(dog);
  free(puppy);
  free(bird);
  end();
}

export function interfacesAreCalledThroughTheObject(): void {
  beginHeap();
  const puppy = new Puppy();
  const bird = new Bird();
  assert(nameOf(puppy) == 100 && nameOf(bird) == 200, "each its own");
  free(puppy);
  free(bird);
  end();
}

export function instanceofTellsSubclasses(): void {
  beginHeap();
  const puppy: Animal = new Puppy();
  const bird: Animal = new Bird();
  assert(puppy instanceof Puppy && puppy instanceof Dog && !(puppy instanceof Bird), "a puppy is a dog");
  assert(bird instanceof Bird && !(bird instanceof Dog), "a bird is none");
  free(puppy);
  free(bird);
  end();
}

export function theLastReferenceEndsAnObject(): void {
  beginHeap();
  const object = new Counted(new Counted(null));
  object.incRef();
  object.decRef();
  assert(destroyed == 0, "one reference is left");
  object.decRef();
  assert(destroyed == 2, "the object and what it held");
  end();
}

export function aNewObjectIsZeroedThoughItsMemoryWasUsed(): void {
  beginHeap();
  const first = new Puppy();
  const address = changetype<usize>(first);
  memory.fill(address, 0xff, offsetof<Puppy>());
  free(first);
  const second = new Counted(null);
  assert(second.refs == 1 && second.inner === null, "initialised");
  second.decRef();
  end();
}

export function anErrnoIsNoPointer(): void {
  beginHeap();
  const object = new Dog();
  assert(!isError(changetype<usize>(object)), "an address");
  assert(isError(<usize>-2) && isError(<usize>-4095), "errors");
  assert(!isError(0), "null is no error");
  free(object);
  end();
}
