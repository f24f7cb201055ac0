$ printf 'a\nb\nc\n' >f; printf 'a\nx\nc\n' >g; diff -u f g >p; patch f p; cmp f g
patching file f

$ printf -- '--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\n+b\n c\n' >p; printf 'a\nc\n' >f; patch <p; cat f
patching file f
a
b
c

$ printf -- '--- a/d/f\n+++ b/d/f\n@@ -1 +1 @@\n-a\n+b\n' >p; mkdir d; echo a >d/f; patch -p1 -i p; cat d/f
patching file d/f
b

$ printf -- '--- bogus//d///f\n+++ bogus//d///f\n@@ -1 +1 @@\n-a\n+b\n' >p; mkdir d; echo a >d/f; patch -p1 <p; cat d/f
patching file d///f
b

$ printf -- '--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n' >p; echo b >f; patch -R <p; cat f
patching file f
a

# the old name does not exist
$ printf -- '--- f.missing\n+++ f\n@@ -1 +1 @@\n-a\n+b\n' >p; echo a >f; patch <p; cat f
patching file f
b

$ printf -- '--- /dev/null\n+++ new\n@@ -0,0 +1,2 @@\n+a\n+b\n' | patch; cat new
creating new
a
b
~ gnu: says patching

$ printf -- '--- /dev/null\n+++ b/x/y/new\n@@ -0,0 +1 @@\n+a\n' | patch -s -p1; cat x/y/new
a
~ busybox: knows no -s

$ printf -- '--- f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n' >p; echo a >f; patch -s -p0 <p; ls
p
~ busybox: knows no -s

$ printf -- '--- f\n+++ f\n@@ -1 +0,0 @@\n-a\n' >p; echo a >f; patch -E f p >out; ls
out
p

$ printf 'a\nb\nc\n' >f; printf -- '--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\n+b\n c\n' >p; patch <p 2>&1; cat f
patching file f
Possibly reversed hunk 1 at 4
Hunk 1 FAILED 1/1.
 a
+b
 c
a
b
c
~ gnu: other words

$ printf 'a\nb\nc\n' >f; printf -- '--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\n+b\n c\n' >p; patch -N <p; cat f
patching file f
a
b
c
~ gnu: fails

$ seq 9 >f; sed s/5/five/ f >g; diff -u f g >p; (echo 0; echo 0; cat f) >h; patch h p; grep five h
patching file h
Hunk #1 succeeded at 4 (offset 2 lines).
five
~ busybox: says nothing of the offset

$ seq 9 >f; sed s/5/five/ f >g; diff -u f g >p; sed s/2/two/ f >h; patch h p; grep -e five -e two h; ls
patching file h
Hunk #1 succeeded at 2 with fuzz 1.
two
five
f
g
h
h.orig
p
~ busybox: knows no fuzz

$ seq 9 >f; sed s/5/five/ f >g; diff -u f g >p; sed s/2/two/ f >h; patch -F 0 h p >out 2>&1; echo $?; cmp h h.orig; cat h.rej | tail -n +3
1
@@ -2,7 +2,7 @@
 2
 3
 4
-5
+five
 6
 7
 8
~ busybox: knows no fuzz

$ seq 9 >f; sed s/5/five/ f >g; diff -u f g >p; sed s/5/5x/ f >h; patch -r bad h p 2>&1 | tail -n 8; cat bad | tail -n +3 | head -n 1
 2
 3
 4
-5
+five
 6
 7
 8
@@ -2,7 +2,7 @@
~ busybox: has no -r
~ gnu: other words

# what applies is applied, though not all of it does
$ seq 30 >f; sed 's/^5$/five/; s/^25$/x/' f >g; diff -u f g >p; sed 's/^24$/y/' f >h; patch h p >out 2>&1; echo $?; grep -c five h
1
1
~ busybox: leaves the file alone

$ seq 5 >f; seq 6 >g; diff -c f g >p; patch -s f p; cmp f g
~ busybox: unified only

$ printf 'a\nb\n' >f; printf '2c2\n< b\n---\n> x\n' | patch -s f; cat f
a
x
~ busybox: unified only

$ printf 'a\nb\nc\n' >f; printf '2d1\n< b\n3a3\n> d\n' | patch -s f; cat f
a
c
d
~ busybox: unified only

$ printf 'a\nb' >f; printf 'a\nb\n' >g; diff -u f g >p; patch f p >out; cmp f g; printf 'a\nb' >f; patch -R g p >out; cmp f g
~ busybox: does not know of a missing newline

$ printf 'diff --git a/f b/g\nsimilarity index 90%%\nrename from f\nrename to g\n--- a/f\n+++ b/g\n@@ -1 +1 @@\n-a\n+b\n' >p; echo a >f; patch -s -p1 <p; ls; cat g
g
p
b
~ busybox: knows no -s

$ printf 'diff --git a/f b/f\nold mode 100644\nnew mode 100755\n' >p; echo a >f; patch -s -p1 <p; stat -c %%a f
%a

$ printf 'diff --git a/n b/n\nnew file mode 100755\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+a\n' >p; patch -s -p1 <p; stat -c %%a n
%a
~ busybox: knows no git

$ printf -- '--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n--- g\n+++ g\n@@ -1 +1 @@\n-c\n+d\n' >p; echo a >f; echo c >g; patch <p; cat f g
patching file f
patching file g
b
d

$ printf -- '--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n' >p; echo a >f; patch --dry-run <p; cat f
checking file f
a
~ busybox: says patching

$ printf -- '--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n' >p; mkdir d; echo a >d/f; patch -s -d d <p; cat d/f
b
~ busybox: has no -d

$ printf -- '--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n' >p; echo a >f; patch -s -b <p; cat f f.orig
b
a
~ busybox: has no -b

$ printf -- '--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n' >p; echo a >f; patch -s -o out f p; cat f out
a
b
~ busybox: has no -o

$ printf 'a  b\nc\n' >f; printf -- '--- f\n+++ f\n@@ -1,2 +1,2 @@\n a b\n-c\n+d\n' >p; patch -s -l <p; cat f
a  b
d
~ busybox: has no -l

# an insertion without context
$ seq 5 >f; printf -- '--- f\n+++ f\n@@ -3,0 +4 @@\n+x\n' >p; patch f p >out; cat f
1
2
3
x
4
5
~ busybox: appends it

# files outside of the directory are none of a patch's
$ printf -- '--- /dev/null\n+++ ../evil\n@@ -0,0 +1 @@\n+a\n' >p; mkdir d; cd d; patch -p0 <../p >out 2>&1; echo $?; ls ..
1
d
p
~ busybox: writes it

$ printf -- '--- /dev/null\n+++ l/evil\n@@ -0,0 +1 @@\n+a\n' >p; mkdir d out; ln -s ../out d/l; cd d; patch -p0 <../p >log 2>&1; echo $?; ls ../out
1
~ busybox: writes it

$ printf -- '--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n' >p; echo a >g; ln -s g f; patch <p >out 2>&1; echo $?; cat g
1
a
~ busybox: patches the file that the link leads to

$ printf -- '--- f\n+++ f\n@@ -1,2 +1,2 @@\n-a\n*b\n' >p; echo a >f; patch <p 2>&1; cat f
patch: malformed patch at line 5: *b: expected a line that begins with ' ', '-' or '+'
a
~ busybox: other words
~ gnu: other words

$ printf -- '--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n' >p; patch <p
! patch: f: No such file or directory
? 1
~ gnu: other words
~ busybox: says it on standard output

$ echo garbage | patch
! patch: only garbage was found in the patch input: expected a unified, context or normal diff
? 2
~ busybox: status 0

# the prefix of a mail and its signature are skipped
$ printf 'From: x\nSubject: y\n\n---\n f | 2 +-\n\ndiff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n-- \n2.39\n' >p; echo a >f; patch -p1 <p; cat f
patching file f
b
