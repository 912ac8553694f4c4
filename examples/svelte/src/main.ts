import { mount } from 'svelte';
import App from './App.svelte';
import '../../style/style.css';

const target = document.querySelector('main');
if (target) mount(App, { target });
