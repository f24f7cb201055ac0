$ mkdir a; rmdir a; ls

$ mkdir -p a/b; rmdir a
? 1

$ mkdir -p a/b; rmdir -p a/b; ls

$ mkdir -p a/b; rmdir --ignore-fail-on-non-empty a; ls
a

$ rmdir missing
? 1

$ echo >f; rmdir f
? 1

$ mkdir a b; rmdir a b; ls

$ rmdir
? 1
