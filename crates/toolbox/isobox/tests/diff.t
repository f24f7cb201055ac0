$ printf 'a\nb\nc\n' >f; printf 'a\nx\nc\n' >g; diff -u f g | sed 's/\t.*//'
--- f
+++ g
@@ -1,3 +1,3 @@
 a
-b
+x
 c

$ printf 'a\nb\nc\n' >f; printf 'a\nx\nc\n' >g; diff f g
--- f
+++ g
@@ -1,3 +1,3 @@
 a
-b
+x
 c
? 1
~ gnu: without an option it shows no context

$ printf 'a\nb\nc\n' >f; printf 'a\nx\nc\nd\n' >g; diff --normal f g
2c2
< b
---
> x
3a4
> d
? 1
~ busybox: unified only

$ printf 'a\nb\nc\n' >f; printf 'a\nx\nc\nd\n' >g; diff -c f g | sed 's/\t.*//'
*** f
--- g
***************
*** 1,3 ****
  a
| ! b
  c
--- 1,4 ----
  a
| ! x
  c
+ d
~ busybox: unified only

# a context diff leaves out the side without changes
$ printf 'a\nb\nc\n' >f; printf 'a\nb\nx\nc\n' >g; diff -C 1 f g | sed 's/\t.*//'
*** f
--- g
***************
*** 2,3 ****
--- 2,4 ----
  b
+ x
  c
~ busybox: unified only

$ printf 'a\n' >f; diff f f; diff -s f f
Files f and f are identical
~ busybox: says nothing if the names are the same

$ printf 'a\n' >f; printf 'b\n' >g; diff -q f g
Files f and g differ
? 1

$ printf 'a\nb' >f; printf 'a\nb\n' >g; diff -U 0 f g | tail -n +3
@@ -2 +2 @@
-b
| \ No newline at end of file
+b

$ printf 'a\nb' >f; printf 'a\nc' >g; diff -u f g | tail -n +3
@@ -1,2 +1,2 @@
 a
-b
| \ No newline at end of file
+c
| \ No newline at end of file

$ seq 30 >f; sed 's/^5$/five/; s/^9$/nine/; s/^25$/x/' f >g; diff -u f g | tail -n +3
@@ -2,11 +2,11 @@
 2
 3
 4
-5
+five
 6
 7
 8
-9
+nine
 10
 11
 12
@@ -22,7 +22,7 @@
 22
 23
 24
-25
+x
 26
 27
 28

$ seq 30 >f; sed 's/^5$/five/; s/^9$/nine/; s/^25$/x/' f >g; diff -U1 f g | tail -n +3
@@ -4,3 +4,3 @@
 4
-5
+five
 6
@@ -8,3 +8,3 @@
 8
-9
+nine
 10
@@ -24,3 +24,3 @@
 24
-25
+x
 26

$ seq 5 >f; : >g; diff -u f g | tail -n +3; diff -u g f | tail -n +3
@@ -1,5 +0,0 @@
-1
-2
-3
-4
-5
@@ -0,0 +1,5 @@
+1
+2
+3
+4
+5

$ seq 5 >f; sed 1d f >g; diff --normal f g; diff --normal g f
1d0
< 1
0a1
> 1
? 1
~ busybox: unified only

$ printf 'A b\n' >f; printf 'a b\n' >g; diff -i f g; diff -b f g | tail -n +3
@@ -1 +1 @@
-A b
+a b
~ gnu: without an option it shows no context

$ printf 'a  b \n' >f; printf 'a b\n' >g; diff -b f g; echo $?; diff f g >out; echo $?
0
1

$ printf 'a b\n' >f; printf 'ab\n' >g; diff -w f g; echo $?; diff -b f g >out; echo $?
0
1

$ printf 'a\n\nb\n' >f; printf 'a\nb\n' >g; diff -B f g; echo $?
0

$ printf 'a\r\nb\r\n' >f; printf 'a\nb\n' >g; diff --strip-trailing-cr f g; echo $?
0
~ busybox: has no long options

$ printf 'a\nb\n' >f; printf 'a\nc\n' >g; diff -u -L one -L two f g
--- one
+++ two
@@ -1,2 +1,2 @@
 a
-b
+c
? 1

$ printf 'a\nb\n' >f; printf 'a\nc\n' | diff -u f - | tail -n +3
@@ -1,2 +1,2 @@
 a
-b
+c

$ printf 'a\0b' >f; printf 'a\0c' >g; diff f g
Files f and g differ
? 1
~ gnu: other words, status 2

$ printf 'a\0b\n' >f; printf 'a\0c\n' >g; diff -a -u f g | tail -n +3 | tr '\0' 0
@@ -1 +1 @@
-a0b
+a0c

$ mkdir a b; echo x >a/f; echo y >b/f; echo z >a/only; echo w >b/other; diff a b | sed 's/\t.*//'
--- a/f
+++ b/f
@@ -1 +1 @@
-x
+y
Only in a: only
Only in b: other
~ gnu: names the command

$ mkdir -p a/s b/s; echo x >a/s/f; echo y >b/s/f; diff -q a b; diff -rq a b
Common subdirectories: a/s and b/s
Files a/s/f and b/s/f differ
? 1

$ mkdir a b; echo z >a/only; diff -rN a b
--- a/only
+++ /dev/null
@@ -1 +0,0 @@
-z
? 1
~ gnu: names the command and no /dev/null

$ mkdir a b; echo x >a/f; mkdir b/f; diff -r a b
File a/f is a regular file while file b/f is a directory
? 1
~ busybox: says that it is in one of them only

$ mkdir a b; for f in 1 2 3; do echo a$f >a/$f; echo b$f >b/$f; done; diff -rq -S 2 a b
Files a/2 and b/2 differ
Files a/3 and b/3 differ
? 1

$ mkdir a b; echo x >a/f; echo x >a/f.o; echo y >b/f.o; diff -rq -x '*.o' a b
Only in a: f
? 1
~ busybox: has no -x

$ mkdir a; echo x >a/f; echo y >f; diff -u f a | tail -n +3; diff -u a f | tail -n +3
@@ -1 +1 @@
-y
+x
@@ -1 +1 @@
-x
+y

$ printf 'int f(int a)\n{\n  x;\n  y;\n  z;\n  w;\n  v;\n}\n' >f; sed s/v/V/ f >g; diff -up f g | tail -n +3
@@ -4,5 +4,5 @@ int f(int a)
   y;
   z;
   w;
-  v;
+  V;
 }
~ busybox: has no -p

$ printf '\ta\n' >f; printf '\tb\n' >g; diff -t -u f g | tail -n +3; diff -T -u f g | tail -n +3
@@ -1 +1 @@
-        a
+        b
@@ -1 +1 @@
-		a
+		b

# a run of changes moves to its end
$ printf 'f() {\n}\n' >f; printf 'f() {\n}\ng() {\n}\n' >g; diff -u f g | tail -n +3
@@ -1,2 +1,4 @@
 f() {
 }
+g() {
+}

$ seq 3000 >f; sed '1d;500,600d;$d' f | sed 's/99/x/' >g; diff -u f g >p; cp f h; patch -s h p; cmp g h
~ busybox: its patch has no -s

$ printf 'a\n' >f; diff f missing
! diff: missing: No such file or directory
? 2

$ diff f
? 2
~ busybox: status 1
