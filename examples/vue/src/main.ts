import { createApp } from 'vue';
import App from './App.vue';
import '../../style/style.css';

createApp(App).mount('main');
